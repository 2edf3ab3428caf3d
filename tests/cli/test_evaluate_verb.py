"""`tunewright evaluate`."""


def test_json_is_the_metrics_of_a_run(finished, rows_csv, call):
    said = call("evaluate", finished.bundle, rows_csv, "--json")
    assert said.code == 0
    assert set(said.json["metrics"]) == set(finished.called.json["metrics"]["test"])
    assert set(said.json["metrics"]["accuracy"]) == {"value", "low", "high", "n"}
    assert said.json["metrics"]["accuracy"]["n"] == 150
    assert said.json["metric"] == "accuracy"
    assert said.json["verdict"]["objective"] == "none"


def test_accuracy_is_that_of_its_own_predictions(finished, rows_csv, call):
    truth = [line.rsplit(",", 1)[1] for line in rows_csv.read_text().splitlines()[1:]]
    answers = call("predict", finished.bundle, rows_csv, "--json").json["predictions"]
    right = sum(answer["prediction"] == label for answer, label in zip(answers, truth, strict=True))
    said = call("evaluate", finished.bundle, rows_csv, "--json").json
    assert said["metrics"]["accuracy"]["value"] == right / 150


def test_objective_decides_the_exit_code(finished, rows_csv, call):
    for at_least, code, state in (("0.01", 0, "met"), ("1", 4, "missed")):
        said = call("evaluate", finished.bundle, rows_csv, "--at-least", at_least, "--require-objective", "--json")
        assert (said.code, said.json["verdict"]["objective"]) == (code, state)


def test_without_require_objective_a_miss_is_only_said(finished, rows_csv, call):
    said = call("evaluate", finished.bundle, rows_csv, "--at-least", "1", "--metric", "macro_f1")
    assert said.code == 0
    assert "Missed: f1_macro" in said.out
    assert "95 % interval" in said.out


def test_what_is_asked_wrongly_exits_with_2(finished, rows_csv, call):
    assert call("evaluate", finished.bundle, rows_csv, "--require-objective").code == 2
    assert call("evaluate", finished.bundle, rows_csv, "--metric", "r2").code == 2
    assert call("evaluate", finished.bundle, rows_csv, "--metric", "no_such").code == 2


def test_rows_without_the_target_are_refused(finished, call, tmp_path):
    path = tmp_path / "new.csv"
    path.write_text("text,size\nbako,1\n")
    assert call("evaluate", finished.bundle, path).code == 3


def test_what_is_no_bundle_exits_with_1(rows_csv, call, tmp_path):
    said = call("evaluate", tmp_path, rows_csv, "--json")
    assert said.code == 1
    assert said.json["error"]["type"] == "ModelError"
