"""`tunewright export`: one JSON object, a bundle that every verb takes, and nothing at all where it would be wrong."""

import csv
import json
import shutil
from pathlib import Path

import pytest

import tunewright as tw
from tunewright.errors import ExportError, ModelError, PlanError

NEEDED = {"path", "format", "parity"}
PARITY = {"rows", "label_agreement", "max_probability_difference", "metric_difference", "passed"}


@pytest.fixture(scope="module")
def called(finished, call, tmp_path_factory):
    """(format) to the folder and what the verb answered, made once."""
    made = {}

    def get(to):
        if to not in made:
            out = tmp_path_factory.mktemp("exports") / to
            made[to] = out, call("export", finished.bundle, "--to", to, "--out", out, "--json", home=finished.home)
        return made[to]

    return get


def test_the_answer_is_what_the_contract_says(called, finished):
    out, answer = called("onnx")
    assert answer.code == 0, answer.err
    told = answer.json
    assert set(told) >= NEEDED and set(told["parity"]) >= PARITY and "schema" not in told
    assert (told["path"], told["format"]) == (str(out), "onnx")
    assert told["parity"]["passed"] is True and told["parity"]["label_agreement"] == 1.0
    assert {"value", "low", "high", "n"} == set(told["parity"]["metric_difference"])
    kept = json.loads((out / "parity.json").read_text())
    assert {name: kept[name] for name in PARITY} == {name: told["parity"][name] for name in PARITY}
    sizes = finished.called.json["data"]
    assert told["parity"]["rows"] - told["parity"]["adversarial_rows"] == sizes["validation"]


def test_every_verb_that_takes_a_bundle_takes_the_new_one(called, finished, call, rows_csv, tmp_path):
    out, _ = called("onnx")
    answers = {}
    for name, bundle in (("ours", finished.bundle), ("theirs", out)):
        file = tmp_path / f"{name}.csv"
        assert call("predict", bundle, rows_csv, "--out", file, home=finished.home).code == 0
        with file.open() as read:
            answers[name] = [(row["prediction"], round(float(row["confidence"]), 3)) for row in csv.DictReader(read)]
    same = sum(one == two for one, two in zip(answers["ours"], answers["theirs"], strict=True))
    assert same >= 0.97 * len(answers["ours"])  # rounded at a border
    scores = [
        call("evaluate", bundle, rows_csv, "--json", home=finished.home).json for bundle in (finished.bundle, out)
    ]
    assert scores[0]["metrics"]["accuracy"] == scores[1]["metrics"]["accuracy"]
    assert scores[1]["seen"] == scores[0]["seen"] > 0
    compared = call("compare", finished.bundle, out, rows_csv, "--json", home=finished.home)
    assert compared.json["verdict"] == "no evidence"


def test_an_exported_bundle_explains_by_leaving_words_out(called, finished, call):
    out, _ = called("onnx")
    row = json.dumps({"text": "bako bali komu", "size": "3"})
    ours, theirs = (
        call("explain", bundle, row, "--method", "occlusion", "--json", home=finished.home).json
        for bundle in (finished.bundle, out)
    )
    assert theirs["prediction"] == ours["prediction"]
    weights = [{one["text"]: one["weight"] for one in told["tokens"]} for told in (ours, theirs)]
    assert weights[1] == pytest.approx(weights[0], abs=1e-3)
    plain = call("explain", out, row, "--json", home=finished.home)
    assert plain.code == 0 and plain.json["method"] in ("occlusion", None)
    refused = call("explain", out, row, "--method", "integrated_gradients", home=finished.home)
    assert refused.code in (0, 1)
    if refused.code:
        assert "need the trained network" in refused.err


def test_auto_measures_and_says_why(called):
    out, answer = called("auto")
    assert answer.code == 0, answer.err
    told = answer.json
    assert told["path"] == str(out) and (out / "SHA256SUMS").is_file()
    states = {one["format"]: one["state"] for one in told["tried"]}
    assert list(states) == ["onnx", "safetensors-merged", "torch-bf16", "onnx-int8", "openvino-int8"]
    assert states[told["format"]] == "chosen" and list(states.values()).count("chosen") == 1
    assert all(one["why"] for one in told["tried"]) and "rows a second" in told["why"]
    measured = [one for one in told["tried"] if one["state"] in ("chosen", "slower")]
    assert all(one["rows_per_second"] > 0 and one["latency_ms"] > 0 and one["size_mb"] > 0 for one in measured)
    assert told["parity"]["passed"]
    assert json.loads((out / "tunewright.json").read_text())["exported"]["format"] == told["format"]


def test_limits_of_the_plan_are_kept_by_auto(finished, call, tmp_path):
    folder = tmp_path / "bundle"
    shutil.copytree(finished.bundle, folder)
    told = json.loads((folder / "tunewright.json").read_text())
    assert told["limits"] == {}
    limit = 1e-4  # no bundle has less than 100 bytes
    (folder / "tunewright.json").write_text(json.dumps(told | {"limits": {"size_mb": limit}}))
    resign(folder)
    rows = finished.arguments[1]
    answer = call("export", folder, "--out", tmp_path / "out", "--data", rows, "--json", home=finished.home)
    assert answer.code == 1 and "the limit is 0.0001" in answer.json["error"]["message"]
    assert not (tmp_path / "out").exists()


def resign(folder):
    import hashlib

    names = sorted(p.name for p in folder.iterdir() if p.is_file() and p.name not in ("SHA256SUMS", "complete.json"))
    lines = [f"{hashlib.sha256((folder / n).read_bytes()).hexdigest()}  {n}\n" for n in names]
    (folder / "SHA256SUMS").write_text("".join(lines))


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--to", "onx"], 2, "Did you mean 'onnx'"),
        (["--for", "fun"], 2, "--for must be throughput or latency"),
        (["--budget", "2"], 2, "--budget must be from 0 to 0.3"),
        (["--budget", "-0.1"], 2, "--budget must be from 0 to 0.3"),
        (["--out", "s3://bucket/x"], 2, "must be a path"),
        (["--data", "nowhere.csv"], 3, "nowhere.csv"),
    ],
    ids=str,
)
def test_wrong_arguments_are_told_and_write_nothing(finished, call, arguments, code, said):
    before = sorted(finished.folder.iterdir())
    answer = call("export", finished.bundle, *arguments, home=finished.home)
    assert answer.code == code and said in answer.err
    assert sorted(finished.folder.iterdir()) == before


def test_without_rows_there_is_no_export(finished, call, tmp_path):
    folder = tmp_path / "bundle"
    shutil.copytree(finished.bundle, folder)
    answer = call("export", folder, "--to", "onnx", home=finished.home)
    assert answer.code == 1 and "lies in no run folder" in answer.err and "--data" in answer.err
    assert sorted(tmp_path.iterdir()) == [folder]
    rows = finished.arguments[1]
    answer = call("export", folder, "--to", "onnx", "--data", rows, "--json", home=finished.home)
    assert answer.code == 0, answer.err
    assert answer.json["path"] == str(tmp_path / "bundle-onnx") and answer.json["parity"]["passed"]
    sizes = finished.called.json["data"]  # of a file with the run's test rows, these are left alone
    held_out = answer.json["parity"]["rows"] - answer.json["parity"]["adversarial_rows"]
    assert held_out == (sizes["train"] + sizes["validation"] + 1) // 2


def test_what_was_exported_is_not_exported_again(called, finished, call):
    out, _ = called("onnx")
    again = call("export", out, "--to", "onnx-int8", "--data", finished.arguments[1], home=finished.home)
    assert again.code == 1 and "was exported to onnx already" in again.err


def test_people_read_the_report_and_the_path(finished, call, tmp_path):
    out = tmp_path / "out"
    answer = call("export", finished.bundle, "--to", "safetensors-merged", "--out", out, home=finished.home)
    assert answer.code == 0
    assert "answers that agree" in answer.out and str(out) in answer.out and "made to be difficult" in answer.out
    card = (out / "README.md").read_text()
    assert "## This export" in card and "`safetensors-merged`" in card and "sealed test rows" in card


def test_python_mirrors_it(finished, tmp_path, monkeypatch):
    monkeypatch.setenv("TUNEWRIGHT_HOME", str(finished.home))
    predictor = tw.load(finished.bundle)
    found = predictor.export("onnx", tmp_path / "out", budget=0.02)
    assert found.parity.passed and Path(found.path) == tmp_path / "out"
    rows = [{"text": "bako bali", "size": 3}]
    ours, theirs = predictor.predict(rows), tw.load(found.path).predict(rows)
    assert ours["prediction"].to_list() == theirs["prediction"].to_list()
    with pytest.raises(PlanError, match="format must be one of"):
        predictor.export("pickle")
    with pytest.raises(ExportError, match="already"):
        tw.load(found.path).export("onnx")
    from tunewright.bundle.predictor import Predictor

    with pytest.raises(ModelError, match=r"tw\.load"):
        Predictor(predictor.model).export("onnx")


def test_test_rows_are_not_looked_at(finished, call, tmp_path, monkeypatch):
    """Neither the gate nor the calibration may see a row of the sealed part."""
    from tunewright.stories.deploying import exporting

    monkeypatch.setenv("TUNEWRIGHT_HOME", str(finished.home))
    split = json.loads((finished.folder / "split.json").read_text())
    seen = []
    real = exporting.rows_around

    def watched(*arguments):
        found = real(*arguments)
        seen.append((found.train, found.held_out))
        return found

    monkeypatch.setattr(exporting, "rows_around", watched)
    tw.load(finished.bundle).export("onnx", tmp_path / "out")
    with Path(finished.arguments[1]).open() as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    ((train, held_out),) = seen
    assert train["text"].to_list() == [texts[row] for row in split["train"]]
    assert held_out["text"].to_list() == [texts[row] for row in split["validation"]]
