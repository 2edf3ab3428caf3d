"""What a run tells beside its journal: thinned, read as it grows, and never a reason to fail."""

import json
import os
import signal

import pytest

from tunewright.errors import DataError
from tunewright.events import Event
from tunewright.runfolder import told
from tunewright.runfolder.told import Tail, Told, kept, last_told


def progress(done, epoch=0, station="train"):
    return Event(station=station, what="progress", data={"done": done, "epoch": epoch})


def lines(path):
    return [json.loads(line) for line in path.read_bytes().splitlines() if line]


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass only when a test says so."""
    now = [1000.0]
    monkeypatch.setattr(told.time, "monotonic", lambda: now[0])
    return now


def test_progress_is_kept_now_and_then_and_at_every_epoch(tmp_path, clock):
    writer = Told(tmp_path / "p")
    for done in range(1, 101):
        clock[0] += 0.1
        writer(progress(done, epoch=done // 50))
    writer.close()
    kept_steps = [one["data"]["done"] for one in lines(writer.path)]
    assert kept_steps[0] == 1 and {50, 100} <= set(kept_steps)
    assert 15 <= len(kept_steps) <= 25  # every half second of ten


def test_a_run_of_a_week_leaves_thousands_of_lines_and_not_a_million(tmp_path, clock):
    writer = Told(tmp_path / "p")
    for done in range(600_000 // 60):
        clock[0] += 60  # looked at once a minute
        for more in range(3):
            writer(progress(3 * done + more))
    writer.close()
    assert 500 < len(lines(writer.path)) < 10_000


def test_notes_are_all_kept_with_memory_and_time(tmp_path):
    writer = Told(tmp_path / "p")
    for number in range(5):
        writer(Event(station="audit", what="note", text=f"note {number}"))
    writer.close()
    found = lines(writer.path)
    assert [one["text"] for one in found] == [f"note {number}" for number in range(5)]
    assert all(one["memory_mb"] > 1 and one["time"].endswith("+00:00") for one in found)


def test_a_torn_line_spoils_no_other(tmp_path):
    path = tmp_path / "p"
    writer = Told(path)
    writer(Event(station="a", what="note", text="whole"))
    writer.close()
    path.write_bytes(path.read_bytes() + b'{"time": "2026')
    again = Told(path)
    again(Event(station="a", what="note", text="after the kill"))
    again.close()
    assert [one["text"] for one in Tail(path).new()[1]] == ["whole", "after the kill"]
    assert last_told(path)["text"] == "after the kill"


def test_a_reader_gets_each_event_once_and_waits_for_the_end_of_a_line(tmp_path):
    path = tmp_path / "p"
    tail = Tail(path)
    assert tail.new() == (False, [])
    writer = Told(path)
    writer(Event(station="a", what="note", text="1"))
    assert [one["text"] for one in tail.new()[1]] == ["1"]
    assert tail.new() == (False, [])
    whole = path.read_bytes()
    with path.open("ab") as file:
        file.write(whole[:20])
        file.flush()
        assert tail.new() == (False, [])
        file.write(whole[20:])
    assert [one["text"] for one in tail.new()[1]] == ["1"]
    writer.close()


def test_a_reader_sees_that_a_run_was_started_over(tmp_path):
    path = tmp_path / "p"
    tail = Tail(path)
    for text in ("first", "second, which is longer than the first"):
        path.unlink(missing_ok=True)
        writer = Told(path)
        writer(Event(station="a", what="note", text=text))
        writer.close()
        anew, events = tail.new()
        assert anew == (text != "first") and [one["text"] for one in events] == [text]


def test_what_is_no_event_is_passed_over(tmp_path):
    path = tmp_path / "p"
    good = {"time": "", "station": "a", "what": "note", "text": "good", "data": {}}
    bad = [b"[1]", b"null", b'{"time": 1}', b"\xff\xfe", b"[" * 100_000, json.dumps(good | {"data": []}).encode()]
    path.write_bytes(b"\n".join([*bad, json.dumps(good).encode(), b""]))
    assert [one["text"] for one in Tail(path).new()[1]] == ["good"]


def test_a_place_that_takes_no_file_ends_the_telling_and_not_the_run(tmp_path):
    (tmp_path / "p").mkdir()
    with kept(tmp_path / "p") as writer:
        writer(Event(station="a", what="note", text="nobody keeps this"))


def test_a_full_disk_ends_the_telling_and_not_the_run(tmp_path, monkeypatch):
    writer = Told(tmp_path / "p")

    def full(fd, data):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "write", full)
    writer(Event(station="a", what="note", text="lost"))
    monkeypatch.undo()
    writer(Event(station="a", what="note", text="lost, too"))
    assert (tmp_path / "p").read_bytes() == b""


class Interrupted(BaseException):
    signal = signal.SIGTERM


def test_the_end_is_kept_whatever_it_was(tmp_path):
    ends = {"data": DataError("no rows"), "fault": KeyError("a cell of the data"), "stop": Interrupted()}
    for name, error in ends.items():
        with pytest.raises(type(error)), kept(tmp_path / name):
            raise error
    assert last_told(tmp_path / "data")["text"] == "DataError: no rows"
    assert last_told(tmp_path / "fault")["text"] == "KeyError"  # what it says may be a cell
    found = last_told(tmp_path / "stop")
    assert found["what"] == "stopped" and found["data"] == {"signal": 15}
    assert last_told(tmp_path / "nothing") is None
