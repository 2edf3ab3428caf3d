"""Answers for files of any length: block by block, continued after a kill, and never more than a block in memory."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from unittest import mock

import polars as pl
import pytest

from tunewright.data import raw
from tunewright.data.blocks import BlockSize
from tunewright.errors import DataError, RunError
from tunewright.runfolder.partial import is_begun
from tunewright.stories.deploying import predicting
from tunewright.stories.deploying.predicting import Answers, predict_file

SMALL = BlockSize(rows=10)


class Echo:
    """Says what the row says, and remembers what it was asked."""

    def __init__(self, stop_at=None):
        self.asked = []
        self.stop_at = stop_at

    def predict(self, rows):
        if len(self.asked) == self.stop_at:
            raise KeyboardInterrupt
        self.asked.append(rows.height)
        return rows.select(prediction="text", confidence=pl.lit(0.5))


def as_csv(answers, first):
    return answers.write_csv(include_header=first)


def answers_of(model, **changed):
    return replace(Answers(model=model, digest="d", form=".csv", render=as_csv), **changed)


@pytest.fixture
def rows(tmp_path):
    """A file of 47 rows, one of which spans two lines."""
    path = tmp_path / "in" / "rows.csv"
    path.parent.mkdir()
    path.write_text("text,n\n" + "".join(f'"row {row}\nmore",{row}\n' for row in range(47)))
    return path


@pytest.fixture
def out(tmp_path):
    (tmp_path / "out").mkdir()
    return tmp_path / "out" / "answers.csv"


@pytest.fixture
def expected(rows, tmp_path):
    """The bytes of a file that was answered whole."""
    path = tmp_path / "in" / "whole.csv"
    assert predict_file(answers_of(Echo()), rows, path) == 47
    return path.read_bytes()


def test_a_file_of_one_block_is_written_at_once(rows, out, monkeypatch):
    monkeypatch.setattr(predicting, "Partial", None)
    told, model = [], Echo()
    assert predict_file(answers_of(model), rows, out, observe=told.append) == 47
    assert model.asked == [47] and os.listdir(out.parent) == [out.name]
    assert pl.read_csv(out)["prediction"].to_list() == [f"row {row}\nmore" for row in range(47)]
    assert {event.station for event in told} == {"reading"}


def test_blocks_give_the_same_bytes_and_tell_how_far_they_are(rows, out, expected):
    told, model = [], Echo()
    assert predict_file(answers_of(model), rows, out, size=SMALL, observe=told.append) == 47
    assert out.read_bytes() == expected and os.listdir(out.parent) == [out.name]
    assert model.asked == [10, 10, 10, 10, 6, 1]
    progress = [event.data for event in told if event.station == "predict" and event.what == "progress"]
    assert [(data["done"], data["total"]) for data in progress] == [(done, 47) for done in (10, 20, 30, 40, 46, 47)]
    assert all(data["seconds_left"] > 0 for data in progress[:-1]) and progress[-1]["seconds_left"] == 0
    assert [event.what for event in told if event.station == "predict"][-1] == "done"


@pytest.mark.parametrize("blocks", [1, 3, 4])
def test_what_was_answered_is_not_answered_again(rows, out, expected, blocks):
    with pytest.raises(KeyboardInterrupt):
        predict_file(answers_of(Echo(stop_at=blocks)), rows, out, size=SMALL)
    assert not out.exists() and is_begun(out)
    told, model = [], Echo()
    assert predict_file(answers_of(model), rows, out, size=SMALL, observe=told.append) == 47
    assert model.asked == [10, 10, 10, 10, 6, 1][blocks:]
    assert out.read_bytes() == expected and os.listdir(out.parent) == [out.name]
    (note,) = [event.text for event in told if event.what == "note"]
    assert note == f"goes on: answers.csv.partial has the answers for {10 * blocks} of 47 rows"


def test_stopped_before_the_first_block_nothing_is_left(rows, out):
    with pytest.raises(KeyboardInterrupt):
        predict_file(answers_of(Echo(stop_at=0)), rows, out, size=SMALL)
    assert os.listdir(out.parent) == []


@pytest.mark.parametrize(
    ("changed", "size", "says"),
    [
        ({"digest": "other"}, SMALL, "another model"),
        ({"form": ".jsonl"}, SMALL, "another format"),
        ({}, BlockSize(rows=11), "another size of blocks"),
        ("input", SMALL, "another input"),
    ],
)
def test_with_anything_changed_it_begins_afresh_and_says_so(rows, out, changed, size, says):
    with pytest.raises(KeyboardInterrupt):
        predict_file(answers_of(Echo(stop_at=2)), rows, out, size=SMALL)
    if changed == "input":
        rows.write_text(rows.read_text().replace("row 1", "ROW 1"))
        changed = {}
    told, model = [], Echo()
    predict_file(answers_of(model, **changed), rows, out, size=size, observe=told.append)
    (note,) = [event.text for event in told if event.what == "note"]
    assert note == f"answers.csv.partial could not be continued: it was begun with {says}. It begins afresh."
    assert sum(model.asked) == 47 and os.listdir(out.parent) == [out.name]
    assert out.read_bytes().count(b"more") == 47 and (b"ROW 1" in out.read_bytes()) == (says == "another input")


def test_a_file_that_has_become_one_block_leaves_no_old_part_behind(rows, out):
    with pytest.raises(KeyboardInterrupt):
        predict_file(answers_of(Echo(stop_at=2)), rows, out, size=SMALL)
    rows.write_text("text,n\nalone,1\n")
    assert predict_file(answers_of(Echo()), rows, out, size=SMALL) == 1
    assert out.read_text() == "prediction,confidence\nalone,0.5\n" and os.listdir(out.parent) == [out.name]


def test_data_that_changes_meanwhile_gives_no_file(rows, out):
    class Writer(Echo):
        def predict(self, data):
            with rows.open("a") as file:
                file.write("late,1\n")
            return super().predict(data)

    with pytest.raises(DataError, match="must stay as it is while it is read"):
        predict_file(answers_of(Writer()), rows, out, size=SMALL)
    assert not out.exists()


def test_the_file_that_is_read_may_be_the_one_that_is_written(rows, expected):
    predict_file(answers_of(Echo()), rows, rows, size=SMALL)
    assert rows.read_bytes() == expected


def test_answers_at_a_url(rows, expected):
    from tunewright.remote.files import read_url

    assert predict_file(answers_of(Echo()), rows, "memory://predicting/answers.csv", size=SMALL) == 47
    assert read_url("memory://predicting/answers.csv", what="Answers.") == expected


def test_a_folder_in_the_place_of_the_file_is_refused_before_any_answer(rows, out):
    out.mkdir()
    model = Echo()
    with pytest.raises(RunError, match="It is a folder"):
        predict_file(answers_of(model), rows, out, size=SMALL)
    assert model.asked == []


def test_no_more_than_a_few_blocks_of_rows_are_alive(tmp_path):
    """Counts the rows of every frame there is whenever a block is answered; a list of blocks or answers would show."""
    path, out = tmp_path / "rows.csv", tmp_path / "answers.csv"
    path.write_text("text,n\n" + "".join(f"row {row},{row}\n" for row in range(6_000)))

    def alive() -> int:
        return sum(one.height for one in gc.get_objects() if type(one) is pl.DataFrame)

    counts = []

    class Counting(Echo):
        def predict(self, rows):
            answers = super().predict(rows)
            counts.append(alive())
            return answers

    gc.collect()
    before = alive()
    with mock.patch.object(raw, "STEP", 1_000):
        predict_file(answers_of(Counting()), path, out, size=BlockSize(rows=100))
    assert len(counts) >= 60
    assert max(counts) - before <= 6 * 100


SCRIPT = r"""
import re, sys, time
from pathlib import Path
import polars as pl
from tunewright.data.blocks import BlockSize
from tunewright.stories.deploying.predicting import Answers, predict_file

class Slow:
    def predict(self, rows):
        time.sleep(float(sys.argv[4]))
        return rows.select(prediction="text", confidence=pl.lit(0.5))

def as_csv(answers, first):
    return answers.write_csv(include_header=first)

answers = Answers(model=Slow(), digest="d", form=".csv", render=as_csv)
told = []
rows = predict_file(answers, sys.argv[1], sys.argv[2], size=BlockSize(rows=int(sys.argv[3])), observe=told.append)
notes = [event.text for event in told if event.what == "note"]
# Not getrusage: what it calls the peak begins with that of the process that started this one.
most = re.search(r"VmHWM:\s*(\d+) kB", Path("/proc/self/status").read_text())[1]
print(rows, most, *notes, sep="|")
"""


def command(data, out, *, rows, sleep=0.0):
    return [sys.executable, "-c", SCRIPT, str(data), str(out), str(rows), str(sleep)]


def test_killed_and_continued_ends_at_the_same_bytes(rows, out, expected):
    partial = out.with_name("answers.csv.partial")
    process = subprocess.Popen(command(rows, out, rows=5, sleep=0.2), stdout=subprocess.DEVNULL)
    limit = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < limit:
        if partial.exists() and partial.stat().st_size > 150:
            break
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL, "it ended before it could be killed"
    kept = partial.read_bytes()
    assert not out.exists() and expected.startswith(kept) and kept
    done = subprocess.run(command(rows, out, rows=5), check=True, capture_output=True, text=True)
    assert done.stdout.startswith("47|") and "goes on: answers.csv.partial" in done.stdout
    assert out.read_bytes() == expected and os.listdir(out.parent) == [out.name]


@pytest.mark.slow
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_million_rows_take_no_more_memory_than_a_tenth_of_them(tmp_path, form):
    def peak(rows: int) -> float:
        frame = pl.DataFrame({"text": [f"a hundred characters or so of row {row:<70}" for row in range(rows)]})
        path, out = tmp_path / f"{rows}.{form}", tmp_path / f"{rows}.answers.csv"
        write = {"csv": frame.write_csv, "jsonl": frame.write_ndjson, "parquet": frame.write_parquet}[form]
        write(path)
        done = subprocess.run(command(path, out, rows=8_192), check=True, capture_output=True, text=True)
        answered, kilobytes = done.stdout.split("|")[:2]
        with out.open("rb") as file:
            assert int(answered) == rows == sum(1 for _ in file) - 1
        return int(kilobytes) / 1024

    small = peak(100_000)
    assert peak(1_000_000) - small < 50, small
