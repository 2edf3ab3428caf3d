"""`tunewright predict --out` over several blocks: the answers of the whole file, and the same command continues."""

from __future__ import annotations

import functools
import gzip
import json
import os
import re
import signal
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

import tunewright as tw
from tunewright.bundle.predictor import Predictor
from tunewright.data.blocks import USUAL, BlockSize
from tunewright.stories.deploying import predicting

PAGE = Path(__file__).parents[2] / "docs/predicting.md"


@pytest.fixture
def small_blocks(monkeypatch):
    """150 rows are ten blocks."""
    monkeypatch.setattr(predicting, "predict_file", functools.partial(predicting.predict_file, size=BlockSize(rows=15)))


def written(rows_csv: Path, path: Path) -> Path:
    """The rows in the format that a path says."""
    frame = pl.read_csv(rows_csv, infer_schema=False)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(rows_csv.read_bytes()))
    elif path.suffix == ".parquet":
        frame.write_parquet(path, row_group_size=40)
    elif path.suffix == ".jsonl":
        frame.write_ndjson(path)
    else:
        frame.write_csv(path, separator="\t" if path.suffix == ".tsv" else ",")
    return path


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("name", ["rows.csv", "rows.tsv", "rows.jsonl", "rows.parquet", "rows.csv.gz"])
def test_blocks_answer_as_the_whole_file(finished, rows_csv, call, tmp_path, name):
    data, out = written(rows_csv, tmp_path / name), tmp_path / "out" / "answers.csv"
    said = call("predict", finished.bundle, data, "--out", out, "--json")
    assert said.code == 0 and said.json == {"rows": 150, "out": str(out)}
    assert os.listdir(out.parent) == ["answers.csv"]
    whole = tw.load(finished.bundle).predict(data).select("prediction", "confidence")
    assert_frame_equal(pl.read_csv(out), whole, check_exact=False, rel_tol=1e-5)


@pytest.mark.usefixtures("small_blocks")
def test_lines_of_json_have_everything(finished, rows_csv, call, tmp_path):
    out = tmp_path / "answers.jsonl"
    assert call("predict", finished.bundle, rows_csv, "--out", out).code == 0
    whole = tw.load(finished.bundle).predict(rows_csv).to_dicts()
    lines = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(lines) == len(whole) == 150
    for line, row in zip(lines, whole, strict=True):
        assert list(line) == list(row) and line["prediction"] == row["prediction"]
        assert line["probabilities"] == pytest.approx(row["probabilities"], rel=1e-5)


def test_progress_is_told_for_several_blocks_only(finished, rows_csv, call, tmp_path, request):
    assert call("predict", finished.bundle, rows_csv, "--out", tmp_path / "one.csv").err == ""
    request.getfixturevalue("small_blocks")
    told = call("predict", finished.bundle, rows_csv, "--out", tmp_path / "many.csv")
    assert re.search(r"predict +done in ", told.err)
    assert told.out == f"150 predictions in {tmp_path / 'many.csv'}\n"
    assert call("predict", finished.bundle, rows_csv, "--out", tmp_path / "quiet.csv", "--quiet").err == ""
    assert (tmp_path / "quiet.csv").read_bytes() == (tmp_path / "many.csv").read_bytes()


@pytest.mark.usefixtures("small_blocks")
def test_interrupted_the_same_command_continues(finished, rows_csv, call, tmp_path, monkeypatch):
    calm, out = tmp_path / "calm.csv", tmp_path / "out" / "answers.csv"
    assert call("predict", finished.bundle, rows_csv, "--out", calm).code == 0
    real, asked = Predictor.predict, []

    def interrupted(self, data):
        asked.append(data.height)
        if len(asked) == 4:
            signal.raise_signal(signal.SIGINT)
        return real(self, data)

    monkeypatch.setattr(Predictor, "predict", interrupted)
    said = call("predict", finished.bundle, rows_csv, "--out", out)
    assert said.code == 130 and "The same command continues" in said.err
    assert not out.exists() and (tmp_path / "out" / "answers.csv.partial").read_bytes().count(b"\n") == 1 + 3 * 15
    said = call("predict", finished.bundle, rows_csv, "--out", out)
    assert said.code == 0 and "answers.csv.partial has the answers for 45 of 150 rows" in said.err
    assert len(asked) == 4 + 8  # the last row has no line end and comes by itself
    assert out.read_bytes() == calm.read_bytes() and os.listdir(out.parent) == ["answers.csv"]


@pytest.mark.usefixtures("small_blocks")
def test_refused_data_leaves_nothing(finished, call, tmp_path):
    data, out = tmp_path / "rows.csv", tmp_path / "out" / "answers.csv"
    data.write_text("size,label\n" + "1,red\n" * 50)
    said = call("predict", finished.bundle, data, "--out", out)
    assert said.code == 3 and "Missing: 'text'" in said.err
    assert os.listdir(out.parent) == []


def test_the_code_of_the_page_runs(finished, rows_csv, tmp_path, capsys):
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    pl.read_csv(rows_csv, infer_schema=False).write_parquet(tmp_path / "new_tickets.parquet")
    for name, path in (
        ("runs/demo/bundle", finished.bundle),
        ("new_tickets.csv", rows_csv),
        ("new_tickets.parquet", tmp_path / "new_tickets.parquet"),
    ):
        assert name in code
        code = code.replace(name, str(path))
    exec(compile(code, "page", "exec"), {})
    assert capsys.readouterr().out == "300\n"


def test_what_the_page_says_of_options_and_sizes_holds(call):
    text = PAGE.read_text("utf-8")
    assert f"blocks of {USUAL.rows:,} rows" in text
    known = call("predict", "--help").out
    named = set(re.findall(r"`(--[a-z-]+)", text))
    assert len(named) >= 4 and all(option in known for option in named)
