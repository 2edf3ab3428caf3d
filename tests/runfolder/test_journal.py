"""The journal: append-only, checksummed, never fatal at its tail, ordered by sequence number alone."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.errors import RunError
from tunewright.records import Score
from tunewright.runfolder import disk
from tunewright.runfolder import journal as journal_module
from tunewright.runfolder.journal import Entry, Journal, read_entries


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out fsync where thousands of appends are made and nothing is killed."""
    monkeypatch.setattr(disk, "fsync", lambda fd: None)


def made(path: Path, *events: str) -> list[Entry]:
    with Journal(path) as journal:
        for event in events:
            journal.append(event, {"text": "ü\n\r\u2028", "n": len(event)})
        return journal.entries()


def test_events_come_back_in_order_with_their_data(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        first = journal.append("started", {"score": Score(value=0.5, low=0.0, high=1.0, n=2), "rows": (1, 2)})
        journal.append("done")
    assert first.data == {"score": {"value": 0.5, "low": 0.0, "high": 1.0, "n": 2}, "rows": [1, 2]}
    with Journal(path) as again:
        assert again.entries() == read_entries(path)
        assert [(entry.seq, entry.event) for entry in again.entries()] == [(1, "started"), (2, "done")]
        assert again.entries()[0] == first
        assert again.append("more").seq == 3


def test_a_line_is_json_that_other_tools_read(tmp_path: Path) -> None:
    made(tmp_path / "j", "one", "two")
    lines = [json.loads(line) for line in (tmp_path / "j").read_text(encoding="utf-8").split("\n")[:-1]]
    assert [set(line) for line in lines] == [{"check", "seq", "time", "event", "data"}] * 2


@given(text=st.text(), number=st.floats(allow_nan=False, allow_infinity=False))
def test_any_text_and_number_comes_back(tmp_path_factory: pytest.TempPathFactory, text: str, number: float) -> None:
    path = tmp_path_factory.mktemp("j") / "j"
    with Journal(path) as journal:
        journal.append(text, {text: number})
        journal.append("after")
    assert read_entries(path)[0].data == {text: number}
    assert read_entries(path)[0].event == text


@pytest.mark.usefixtures("quick")
def test_a_tail_cut_at_every_byte_is_repaired_and_appended_to(tmp_path: Path) -> None:
    entries = made(tmp_path / "whole", "one", "two", "three")
    data = (tmp_path / "whole").read_bytes()
    start = data[:-1].rindex(b"\n") + 1
    path = tmp_path / "j"
    for size in range(start, len(data) + 1):
        path.write_bytes(data[:size])
        kept = entries if size >= len(data) - 1 else entries[:2]  # without its newline the record is still whole
        assert read_entries(path) == kept
        assert path.read_bytes() == data[:size], "reading must change nothing"
        with Journal(path) as journal:
            assert journal.entries() == kept
            assert journal.cut_bytes == (0 if size >= len(data) - 1 else size - start)
            for number in range(10):
                journal.append("again", {"number": number})
        after = read_entries(path)
        assert after[: len(kept)] == kept
        assert [entry.data["number"] for entry in after[len(kept) :]] == list(range(10))
        assert [entry.seq for entry in after] == list(range(1, len(after) + 1))


def test_a_tail_of_zeros_after_a_power_cut_is_cut(tmp_path: Path) -> None:
    entries = made(tmp_path / "j", "one", "two")
    with (tmp_path / "j").open("ab") as stream:
        stream.write(bytes(4096))
    with Journal(tmp_path / "j") as journal:
        assert journal.entries() == entries and journal.cut_bytes == 4096


@pytest.mark.usefixtures("quick")
def test_a_flipped_bit_in_any_byte_never_changes_what_is_read(tmp_path: Path) -> None:
    entries = made(tmp_path / "j", "one", "two", "three")
    data = (tmp_path / "j").read_bytes()
    last_two = data[:-1].rindex(b"\n")
    for place in range(len(data)):
        bad = bytearray(data)
        bad[place] ^= 1 << place % 8
        (tmp_path / "j").write_bytes(bad)
        if place < last_two:
            with pytest.raises(RunError, match=r"Line [12] of .*/j is not"):
                read_entries(tmp_path / "j")
        else:
            found = read_entries(tmp_path / "j")
            assert found == entries[: len(found)] and len(found) < 3


def test_opening_a_journal_damaged_in_the_middle_changes_nothing(tmp_path: Path) -> None:
    made(tmp_path / "j", "one", "two", "three")
    bad = (tmp_path / "j").read_bytes().replace(b"two", b"tWo")
    (tmp_path / "j").write_bytes(bad)
    with pytest.raises(RunError, match=r"Line 2 of .*/j is not: its checksum does not fit"):
        Journal(tmp_path / "j")
    assert (tmp_path / "j").read_bytes() == bad


def test_a_line_taken_out_is_noticed(tmp_path: Path) -> None:
    made(tmp_path / "j", "one", "two", "three")
    lines = (tmp_path / "j").read_bytes().splitlines(keepends=True)
    (tmp_path / "j").write_bytes(lines[0] + lines[2])
    with pytest.raises(RunError, match=r"Line 2 of .* its sequence number is 3"):
        Journal(tmp_path / "j")


def test_order_is_the_sequence_whatever_the_clock_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    days: Iterator[str] = iter(["2026-05-02T00:00:00+00:00", "2026-05-01T00:00:00+00:00", "2026-05-03T00:00:00+00:00"])
    monkeypatch.setattr(journal_module, "_now", lambda: next(days))
    made(tmp_path / "j", "first", "second", "third")
    assert [entry.event for entry in read_entries(tmp_path / "j")] == ["first", "second", "third"]
    with Journal(tmp_path / "j") as journal:
        assert [entry.seq for entry in journal.entries()] == [1, 2, 3]
        assert [entry.time[:10] for entry in journal.entries()] == ["2026-05-02", "2026-05-01", "2026-05-03"]


def test_a_refused_append_leaves_the_journal_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "j"
    entries = made(path, "one")
    before = path.read_bytes()

    def full(fd: int, data: bytes) -> None:
        os.write(fd, data[:20])
        raise OSError(28, "No space left on device")

    with Journal(path) as journal:
        with monkeypatch.context() as patch:
            patch.setattr(disk, "write_all", full)
            with pytest.raises(RunError, match=r"/j must be writable\. Got: No space left on device"):
                journal.append("two")
        assert path.read_bytes() == before and journal.entries() == entries
        assert journal.append("two").seq == 2
    assert [entry.event for entry in read_entries(path)] == ["one", "two"]


def test_an_append_is_on_the_disk_when_it_returns(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "j"
    synced: list[int] = []
    with Journal(path) as journal:
        monkeypatch.setattr(disk, "fsync", lambda fd: synced.append(os.fstat(fd).st_size))
        journal.append("one")
        assert synced == [path.stat().st_size]


def test_what_is_not_finite_is_refused(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        with pytest.raises(RunError, match=r"must be finite.*at data\.loss"):
            journal.append("epoch", {"loss": float("nan")})
        assert journal.entries() == [] and (tmp_path / "j").read_bytes() == b""


def test_a_decision_is_journalled_before_it_is_used_and_replayed(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal(path) as journal:
        assert journal.decide("precision", lambda: {"dtype": "bfloat16", "speedup": 1.7}) == {
            "dtype": "bfloat16",
            "speedup": 1.7,
        }
        assert read_entries(path)[0].data["value"] == {"dtype": "bfloat16", "speedup": 1.7}
        assert journal.decide("nothing", lambda: None) is None

    def never() -> Any:
        raise AssertionError("a journalled decision was made again")

    with Journal(path) as journal:
        assert journal.decide("precision", never) == {"dtype": "bfloat16", "speedup": 1.7}
        assert journal.decide("nothing", never) is None
        assert len(journal.entries()) == 2


def test_a_decision_that_cannot_be_journalled_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(fd: int, data: bytes) -> None:
        raise OSError(28, "No space left on device")

    with Journal(tmp_path / "j") as journal:
        monkeypatch.setattr(disk, "write_all", full)
        with pytest.raises(RunError, match=r"No space left"):
            journal.decide("batch", lambda: 8)


@pytest.mark.parametrize("value", [(1, 2), {1: "a"}, [(1, 2)], Score(value=0.5, low=0.0, high=1.0, n=2)])
def test_a_decision_must_come_back_as_it_was(tmp_path: Path, value: object) -> None:
    with Journal(tmp_path / "j") as journal:
        with pytest.raises(TypeError, match=r"must be plain JSON values"):
            journal.decide("x", lambda: value)
        assert journal.entries() == []


def test_a_journal_is_never_a_link(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    (tmp_path / "j").symlink_to(tmp_path / "precious")
    with pytest.raises(RunError, match=r"/j must be writable"):
        Journal(tmp_path / "j")
    assert (tmp_path / "precious").read_text() == "x"


def test_reading_a_missing_journal_gives_nothing_and_a_folder_is_an_error(tmp_path: Path) -> None:
    assert read_entries(tmp_path / "none") == []
    with pytest.raises(RunError, match=r"must be readable\. Got: Is a directory"):
        read_entries(tmp_path)
