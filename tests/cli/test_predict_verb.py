"""`tunewright predict`: every row answered, in order, and nothing a spreadsheet would run."""

import csv
import io
import json

import polars as pl
import pytest

from tunewright.cli.predict import as_csv, as_jsonl
from tunewright.data.spreadsheet import neutral


def test_csv_answers_every_row_in_order(finished, rows_csv, call, tmp_path):
    out = tmp_path / "answers.csv"
    said = call("predict", finished.bundle, rows_csv, "--out", out, "--json")
    assert said.code == 0
    assert said.json == {"rows": 150, "out": str(out)}
    answers = list(csv.DictReader(io.StringIO(out.read_text())))
    assert len(answers) == 150
    assert list(answers[0]) == ["prediction", "confidence"]
    assert {answer["prediction"] for answer in answers} <= {"green", "red"}
    reverse = tmp_path / "reverse.csv"
    lines = rows_csv.read_text().splitlines()
    reverse.write_text("\n".join([lines[0], *lines[:0:-1]]) + "\n")
    turned = list(csv.DictReader(io.StringIO(call("predict", finished.bundle, reverse).out)))
    assert [answer["prediction"] for answer in turned[::-1]] == [answer["prediction"] for answer in answers]


def test_jsonl_adds_probabilities(finished, rows_csv, call, tmp_path):
    out = tmp_path / "answers.jsonl"
    assert call("predict", finished.bundle, rows_csv, "--out", out).code == 0
    for line in out.read_text().splitlines():
        answer = json.loads(line)
        assert set(answer["probabilities"]) == {"green", "red"}
        assert sum(answer["probabilities"].values()) == pytest.approx(1)
        assert answer["confidence"] == pytest.approx(answer["probabilities"][answer["prediction"]])


def test_without_out_csv_goes_to_standard_output(finished, rows_csv, call):
    said = call("predict", finished.bundle, rows_csv)
    assert len(said.out.splitlines()) == 151


def test_odd_rows_are_answered_too(finished, call, tmp_path):
    path = tmp_path / "odd.csv"
    path.write_text("text,size\n,\nbako,not a number\n" + "x" * 5000 + ",1e300\n")
    said = call("predict", finished.bundle, path, "--json")
    assert said.code == 0
    assert len(said.json["predictions"]) == 3


def test_another_ending_is_a_usage_error_before_any_work(call, tmp_path):
    said = call("predict", tmp_path / "no-bundle", "no-data.csv", "--out", tmp_path / "a.xlsx")
    assert said.code == 2
    assert ".csv or .jsonl" in said.err


def test_a_folder_that_takes_no_files_is_named(finished, rows_csv, call, tmp_path):
    (tmp_path / "file").write_text("")
    said = call("predict", finished.bundle, rows_csv, "--out", tmp_path / "file" / "a.csv")
    assert said.code == 1
    assert "a.csv" in said.err


@pytest.mark.parametrize("cell", ["=1+1", "+a", "-a", "@sum", "\tx", "\rx", "-1+1", "=-1"])
def test_formulas_are_neutralised(cell):
    assert neutral(cell) == "'" + cell
    labels = pl.DataFrame({"prediction": [cell], "confidence": [0.5]})
    assert list(csv.reader(io.StringIO(as_csv(labels))))[1][0] == "'" + cell


@pytest.mark.parametrize("cell", ["-1", "+2.5", "-1e-5", "-3,5", "spam", "", "a=b", "'=1"])
def test_numbers_and_plain_text_stay(cell):
    assert neutral(cell) == cell


def test_numbers_are_never_touched():
    frame = pl.DataFrame({"prediction": [-1.5], "confidence": [None], "low": [-2.0], "high": [-1.0]})
    assert as_csv(frame).splitlines()[1] == "-1.5,,-2.0,-1.0"


def test_jsonl_is_strict():
    frame = pl.DataFrame({"prediction": ["=1"], "confidence": [float("nan")]})
    assert json.loads(as_jsonl(frame)) == {"prediction": "=1", "confidence": None}
