"""`tunewright run`: what it prints, what it leaves, how it exits."""

import json

METRIC = {"value", "low", "high", "n"}


def test_json_holds_the_contract(finished):
    said = finished.called.json
    assert {
        "run",
        "bundle",
        "report",
        "verdict",
        "data",
        "model",
        "metrics",
        "baselines",
        "findings",
        "seconds",
    } <= set(said)
    assert said["verdict"]["objective"] == "met"
    assert said["verdict"]["text"].startswith("Met: accuracy is")
    data = said["data"]
    assert data["rows"] == 150 == data["train"] + data["validation"] + data["test"]
    assert {"name", "train", "parameters", "trainable"} <= set(said["model"])
    assert {"validation", "test"} <= set(said["metrics"])
    for scores in (*said["metrics"].values(), *said["baselines"].values()):
        assert set(scores["accuracy"]) == METRIC
    assert {"majority", "tfidf", "boosting", "probe"} <= set(said["baselines"])
    assert {"audit", "train", "total"} <= set(said["seconds"])
    for path in ("bundle", "report"):
        assert (finished.folder.parent / said[path]).exists()


def test_progress_goes_to_standard_error(finished):
    assert "audit" in finished.called.err
    assert "Fitting the baseline tfidf." in finished.called.err


def test_the_same_command_says_it_is_finished(finished, call):
    before = {path: path.read_bytes() for path in finished.folder.rglob("*") if path.is_file()}
    again = call(*finished.arguments, "--json", home=finished.home)
    assert again.code == 0
    assert "is finished; --fresh starts over." in again.err
    assert again.json == finished.called.json
    assert {path: path.read_bytes() for path in finished.folder.rglob("*") if path.is_file()} == before


def test_text_is_short_and_says_what_matters(finished, call):
    said = call(*finished.arguments, "--quiet", home=finished.home)
    assert said.code == 0
    assert said.err == ""
    assert "Met: accuracy is" in said.out
    assert "TF-IDF + linear model" in said.out
    assert str(finished.folder / "report.html") in said.out
    assert len(said.out.splitlines()) < 30


def test_no_text_of_the_data_in_progress(finished, rows_csv):
    texts = [line.split(",")[0] for line in rows_csv.read_text().splitlines()[1:]]
    assert not [text for text in texts if text in finished.called.err]


def test_objective_not_met_exits_with_4(rows_csv, quick, call, tmp_path):
    objective = ("--set", "objective.metric=accuracy", "--set", "objective.at_least=1", "--require-objective")
    said = call("run", rows_csv, "--target", "label", *quick, *objective, "--out", tmp_path / "run", "--json")
    assert said.code == 4
    assert said.json["verdict"]["objective"] in ("missed", "not shown")


def test_require_objective_without_one_is_refused_before_any_work(rows_csv, call, tmp_path):
    said = call("run", rows_csv, "--target", "label", "--require-objective", "--out", tmp_path / "run")
    assert said.code == 2
    assert "objective.at_least" in said.err
    assert not (tmp_path / "run").exists()


def test_a_wrong_plan_lists_every_problem(rows_csv, call):
    wrong = ("--set", "trainng.epochs=2", "--set", "seed=abc", "--set", "splits.test=7")
    said = call("run", rows_csv, "--target", "label", *wrong)
    assert said.code == 2
    assert all(path in said.err for path in ("trainng", "seed", "splits.test"))
    assert "Did you mean training?" in said.err
    assert "Traceback" not in said.err
    assert said.out == ""


def test_without_a_target_the_columns_are_listed(rows_csv, call):
    said = call("run", rows_csv)
    assert said.code == 2
    assert "text, size, label" in said.err


def test_no_data_is_a_wrong_plan(call):
    assert call("run", "--target", "label").code == 2


def test_hopeless_data_exits_with_3(call, tmp_path):
    one_class = tmp_path / "one.csv"
    one_class.write_text("text,label\n" + "".join(f"some words {i},same\n" for i in range(30)))
    for path in (one_class, tmp_path / "missing.csv"):
        said = call("run", path, "--target", "label", "--out", tmp_path / "run", "--json")
        assert said.code == 3
        assert said.json["error"]["type"] == "DataError"
        assert said.json["error"]["message"] in said.err


def test_usage_errors_are_json_too(call):
    for arguments in (("run", "--bogus"), ("bogus",), ("predict",)):
        said = call(*arguments, "--json")
        assert said.code == 2
        assert said.json["error"]["type"] == "UsageError"


def test_control_characters_of_the_data_never_reach_the_terminal(call, tmp_path):
    hostile = "\x1b[31mred"
    path = tmp_path / "hostile.csv"
    path.write_text(f"text,{hostile}\n" + "".join(f"some words {i},{i % 2}\n" for i in range(30)))
    said = call("run", path)
    assert said.code == 2
    assert "␛[31mred" in said.err
    assert "\x1b" not in said.err + said.out


def test_data_of_the_plan_file_is_enough(finished, call, tmp_path):
    plan = tmp_path / "plan.yaml"
    plan.write_text((finished.folder / "plan.yaml").read_text())
    again = call("run", "--plan", plan, "--out", finished.folder, "--json", home=finished.home)
    assert again.code == 0
    assert again.json == finished.called.json


def test_an_unexpected_error_has_no_traceback(call, monkeypatch, rows_csv):
    def fail(*_):
        raise RuntimeError("the roof\x1b fell in")

    monkeypatch.setattr("tunewright.stories.placing.sending.run_story", fail)
    said = call("run", rows_csv, "--target", "label", "--json")
    assert said.code == 1
    assert said.json == {"error": {"type": "RuntimeError", "message": "the roof␛ fell in"}}
    assert "Traceback" not in said.err


def test_summary_json_is_what_was_printed(finished):
    assert json.loads((finished.folder / "summary.json").read_text()) == finished.called.json
