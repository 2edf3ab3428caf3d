"""`tunewright evaluate`."""

import hashlib
import json
import shutil

import pytest


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


def test_behaviours_of_a_file_are_tried_and_told(finished, rows_csv, call, tmp_path):
    text = rows_csv.read_text().splitlines()[1].split(",")[0]
    said = call("predict", finished.bundle, rows_csv, "--json").json["predictions"][0]["prediction"]
    other = {"green": "red", "red": "green"}[said]
    tests = tmp_path / "behaviours.yaml"
    tests.write_text(
        f"- {{name: stays, kind: must, examples: [{{text: {text}, size: 5}}], label: {said}}}\n"
        f'- {{name: "turns \\e[31m", kind: must, examples: [{{text: {text}, size: 5}}], label: {other}}}\n'
    )
    called = call("evaluate", finished.bundle, rows_csv, "--tests", tests, "--json")
    assert called.code == 0, called.err
    first, second = called.json["behaviours"]
    assert (first["name"], first["verdict"], first["tested"]) == ("stays", "passed", 1)
    assert (second["verdict"], second["failures"][0]["said"]) == ("failed", f'"{said}" instead of "{other}"')
    told = call("evaluate", finished.bundle, rows_csv, "--tests", tests).out
    assert "1 of 2 behaviours pass." in told and "passed      stays: 1 of 1 cases pass." in told
    assert f'"{said}" instead of "{other}"' in told and "\x1b" not in told


def test_without_behaviours_none_are_told(finished, rows_csv, call):
    assert call("evaluate", finished.bundle, rows_csv, "--json").json["behaviours"] == []
    assert "behaviours" not in call("evaluate", finished.bundle, rows_csv).out


def test_behaviours_that_do_not_fit_exit_with_2(finished, rows_csv, call, tmp_path):
    tests = tmp_path / "behaviours.yaml"
    assert call("evaluate", finished.bundle, rows_csv, "--tests", tests).code == 2
    tests.write_text("- {name: a, kind: must, examples: [baba], label: nobody}")
    said = call("evaluate", finished.bundle, rows_csv, "--tests", tests)
    assert said.code == 2 and "nobody" in said.err


def test_rows_the_model_knows_are_told_and_scored_apart(finished, rows_csv, call, tmp_path):
    split = json.loads((finished.folder / "split.json").read_text())
    known = len(split["train"]) + len(split["validation"])
    said = call("evaluate", finished.bundle, rows_csv, "--json", home=tmp_path).json
    assert (said["seen"], said["looks"]) == (known, 1)
    test = json.loads((finished.folder / "evaluation.json").read_text())["metrics"]["test"]
    assert said["metrics_unseen"]["accuracy"] == pytest.approx(test["accuracy"])
    text = call("evaluate", finished.bundle, rows_csv, home=tmp_path).out
    assert f"was chosen on {known} of these 150 rows" in text
    lines = rows_csv.read_text().splitlines()
    fresh = tmp_path / "few.csv"
    fresh.write_text("\n".join([lines[0], *(lines[1 + row] for row in [*split["train"], *split["test"][:5]])]))
    said = call("evaluate", finished.bundle, fresh, "--json", home=tmp_path).json
    assert (said["seen"], said["metrics_unseen"]) == (len(split["train"]), None)
    unknown = tmp_path / "test.csv"
    unknown.write_text("\n".join([lines[0], *(lines[1 + row] for row in split["test"])]))
    said = call("evaluate", finished.bundle, unknown, "--json", home=tmp_path).json
    assert (said["seen"], said["metrics_unseen"]) == (0, None)


def test_each_further_model_on_the_same_rows_is_counted(finished, rows_csv, call, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(finished.bundle, other)
    for expected in (1, 1):
        assert call("evaluate", finished.bundle, rows_csv, "--json", home=tmp_path / "h").json["looks"] == expected
    sums = other / "SHA256SUMS"
    card = other / "README.md"
    card.write_text(card.read_text() + "more\n")
    digest = hashlib.sha256(card.read_bytes()).hexdigest()
    lines = sums.read_text().splitlines(keepends=True)
    sums.write_text("".join(f"{digest}  README.md\n" if "README" in line else line for line in lines))
    assert call("evaluate", other, rows_csv, "--json", home=tmp_path / "h").json["looks"] == 2
    assert "2 models have been scored" in call("evaluate", other, rows_csv, home=tmp_path / "h").out
