"""Looks at a test part are counted per run and per content."""

import multiprocessing
import os
from datetime import datetime
from pathlib import Path

import polars as pl
import pytest

from tunewright.errors import RunError
from tunewright.seal import content_digest, count_look

FRAME = pl.DataFrame(
    {
        "text": ["a", "b", None],
        "n": [1.5, None, 3.0],
        "at": [datetime(2024, 1, i) for i in (1, 2, 3)],
        "y": [["p"], ["p", "q"], []],
    }
)


def test_each_run_counts_once_however_often_it_is_resumed():
    assert [count_look(FRAME, by=run) for run in ("one", "one", "two", "one", "three", "two")] == [1, 1, 2, 2, 3, 3]


def test_the_order_of_rows_does_not_hide_a_look():
    assert count_look(FRAME, by="one") == 1
    assert count_look(FRAME.reverse(), by="two") == 2
    assert content_digest(FRAME[[2, 0, 1]]) == content_digest(FRAME)


def test_other_content_is_another_test_part():
    digests = {
        content_digest(frame)
        for frame in (
            FRAME,
            FRAME[:2],
            pl.concat([FRAME, FRAME[:1]]),
            FRAME.with_columns(n=pl.Series([1.5, None, 3.1])),
            FRAME.with_columns(text=pl.Series(["a", "b", ""])),
            FRAME.rename({"n": "m"}),
        )
    }
    assert len(digests) == 6
    count_look(FRAME, by="one")
    assert count_look(FRAME[:2], by="two") == 1


def test_the_digest_is_stable():
    """It is kept for years: another release of any library must give the same."""
    assert content_digest(FRAME) == "7699e7a528d011c6967ca816be83d06a204931293769d9c15c536ac978b0d292"


def test_the_ledger_names_nobody():
    count_look(FRAME, by="/home/somebody/runs/secret")
    text = (Path(os.environ["TUNEWRIGHT_HOME"]) / "looks.jsonl").read_text()
    assert "somebody" not in text and "secret" not in text and text.count("\n") == 1


def _look(home, number):
    os.environ["TUNEWRIGHT_HOME"] = home
    count_look(FRAME, by=f"run {number}")


def test_runs_that_end_at_the_same_moment_are_all_counted(tmp_path):
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_look, args=(str(tmp_path), number)) for number in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    os.environ["TUNEWRIGHT_HOME"] = str(tmp_path)
    assert count_look(FRAME, by="run 0") == 3


def test_a_look_that_cannot_be_counted_is_not_had(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TUNEWRIGHT_HOME", str(tmp_path / "file"))
    monkeypatch.setattr("tunewright.seal.PATIENCE", 0.1)
    with pytest.raises(RunError):
        count_look(FRAME, by="one")
