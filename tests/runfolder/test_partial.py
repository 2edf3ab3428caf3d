"""A file written in pieces: continued where it stopped, begun afresh where it must be, alone in the end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tunewright.errors import RunError
from tunewright.runfolder import disk
from tunewright.runfolder.partial import Partial, is_begun

FROM = {"model": "m", "input": {"bytes": 5}, "size of blocks": [2, 3]}


def pieces(path: Path, numbers: range, *, made_from=FROM, finish: bool = False) -> Partial:
    with Partial(path, made_from=made_from) as file:
        for number in numbers:
            file.append(f"piece {number}\n".encode(), rows=2)
        if finish:
            file.finish()
    return file


def test_pieces_of_several_processes_make_one_file(tmp_path):
    path = tmp_path / "deep" / "a.csv"
    pieces(path, range(2))
    assert sorted(os.listdir(path.parent)) == ["a.csv.partial", "a.csv.partial.journal"] and is_begun(path)
    with (path.parent / "a.csv.partial").open("ab") as file:
        file.write(b"half a piece that no journal knows of")
    second = pieces(path, range(2, 3))
    assert (second.rows, second.told) == (6, "")
    third = pieces(path, range(3, 4), finish=True)
    assert third.rows == 8
    assert path.read_text() == "".join(f"piece {number}\n" for number in range(4))
    assert os.listdir(path.parent) == ["a.csv"] and not is_begun(path)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"model": "n"}, "it was begun with another model"),
        ({"input": {"bytes": 6}, "size of blocks": [2, 4]}, "another input and another size of blocks"),
    ],
)
def test_made_from_other_things_it_begins_afresh_and_says_so(tmp_path, change, told):
    path = tmp_path / "a.csv"
    pieces(path, range(2))
    again = pieces(path, range(5, 6), made_from=FROM | change, finish=True)
    assert told in again.told and again.rows == 2
    assert path.read_text() == "piece 5\n"


@pytest.mark.parametrize("damage", ["cut", "changed", "gone", "journal"])
def test_what_was_damaged_meanwhile_is_not_continued(tmp_path, damage):
    path, partial = tmp_path / "a.csv", tmp_path / "a.csv.partial"
    pieces(path, range(3))
    if damage == "journal":
        log = tmp_path / "a.csv.partial.journal"
        log.write_bytes(log.read_bytes().replace(b'"model": "m"', b'"model": "n"'))
    elif damage == "gone":
        partial.unlink()
    else:
        partial.write_bytes(partial.read_bytes()[:-1] if damage == "cut" else b"P" + partial.read_bytes()[1:])
    again = pieces(path, range(1), finish=True)
    told = "its journal is damaged" if damage == "journal" else f"{partial.name} does not hold what was written"
    assert again.told == told
    assert path.read_text() == "piece 0\n" and os.listdir(tmp_path) == ["a.csv"]


def test_whole_but_killed_before_the_journal_was_removed(tmp_path, monkeypatch):
    path = tmp_path / "a.csv"
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(disk, "remove", lambda path: (_ for _ in ()).throw(KeyboardInterrupt))
        pieces(path, range(2), finish=True)
    assert sorted(os.listdir(tmp_path)) == ["a.csv", "a.csv.partial.journal"]
    before = path.stat()
    again = pieces(path, range(0), finish=True)
    assert (again.rows, again.told) == (4, "") and os.listdir(tmp_path) == ["a.csv"]
    assert path.stat().st_ino == before.st_ino and path.read_text() == "piece 0\npiece 1\n"


def test_where_nothing_was_written_nothing_is_left(tmp_path):
    with pytest.raises(ZeroDivisionError), Partial(tmp_path / "a.csv", made_from=FROM):
        raise ZeroDivisionError
    assert os.listdir(tmp_path) == []


def test_one_process_at_a_time(tmp_path):
    path = tmp_path / "a.csv"
    with Partial(path, made_from=FROM) as file:
        file.append(b"a\n", rows=1)
        with pytest.raises(RunError, match=r"One process at a time may write a file\. .*a\.csv is being written"):
            Partial(path, made_from=FROM).__enter__()
        file.append(b"b\n", rows=1)
        file.finish()
    assert path.read_text() == "a\nb\n"


def test_files_and_folders_of_others_stay(tmp_path):
    (tmp_path / "a.csv.partial").write_text("precious")
    with pytest.raises(RunError, match=r"a\.csv\.partial must be what an earlier process wrote there"):
        pieces(tmp_path / "a.csv", range(1))
    assert (tmp_path / "a.csv.partial").read_text() == "precious"
    (tmp_path / "b.csv").mkdir()
    with pytest.raises(RunError, match=r"b\.csv must be the name of a file\. It is a folder"):
        pieces(tmp_path / "b.csv", range(1))
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match=r"c\.csv must be writable"):
        pieces(tmp_path / "file" / "c.csv", range(1))


def test_a_full_disk_costs_the_piece_at_hand(tmp_path, monkeypatch):
    import errno

    def full(fd, data):
        os.write(fd, data[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = tmp_path / "a.csv"
    pieces(path, range(2))
    with monkeypatch.context() as patch, pytest.raises(RunError, match=r"Free some space and run the same command"):
        patch.setattr(disk, "write_all", full)
        pieces(path, range(2, 3))
    again = pieces(path, range(2, 3), finish=True)
    assert again.told == "" and path.read_text() == "piece 0\npiece 1\npiece 2\n"
