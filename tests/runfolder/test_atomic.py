"""Atomic files and folders: all of it under its name, or nothing."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.errors import RunError
from tunewright.records import Score
from tunewright.runfolder import atomic, disk
from tunewright.runfolder.atomic import (
    check_folder,
    find_non_finite,
    json_bytes,
    read_json,
    settle_folder,
    sweep,
    write_bytes,
    write_folder,
    write_json,
    write_text,
)

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


def fill(path: Path, files: dict[str, bytes]) -> None:
    with write_folder(path) as folder:
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)


def contents(folder: Path) -> dict[str, bytes]:
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def test_a_file_is_replaced_whole_and_leaves_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "new" / "folder" / "a.txt"
    write_text(target, "one\r\n")
    write_text(target, "two\n")
    assert target.read_bytes() == b"two\n"
    assert os.listdir(target.parent) == ["a.txt"]


def test_a_file_larger_than_one_write_takes_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: real(fd, data[:7]))
    write_bytes(tmp_path / "a", bytes(range(256)))
    assert (tmp_path / "a").read_bytes() == bytes(range(256))


def test_a_refused_write_leaves_the_old_file_and_names_path_and_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_bytes(tmp_path / "a", b"old")

    def full(fd: int, data: bytes) -> None:
        os.write(fd, data[:1])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(disk, "write_all", full)
    with pytest.raises(RunError, match=r"/a must be writable\. Got: No space left on device\. Free some space"):
        write_bytes(tmp_path / "a", b"new")
    assert contents(tmp_path) == {"a": b"old"}


@pytest.mark.parametrize("kind", ["file as parent", "folder as target"])
def test_an_impossible_path_is_a_run_error(tmp_path: Path, kind: str) -> None:
    (tmp_path / "file").write_text("x")
    (tmp_path / "folder").mkdir()
    target = tmp_path / ("file/a" if kind == "file as parent" else "folder")
    with pytest.raises(RunError, match=r"must be writable"):
        write_bytes(target, b"abc")
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


@given(value=JSON_VALUES)
def test_json_comes_back_as_it_was(value: object) -> None:
    assert json.loads(json_bytes(value, of="a.json")) == value


def test_json_keeps_the_order_of_fields_and_writes_records(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"z": Score(value=0.5, low=0.25, high=0.75, n=3), "a": "ü"})
    text = (tmp_path / "a.json").read_text(encoding="utf-8")
    assert text.index('"z"') < text.index('"value"') < text.index('"n"') < text.index('"a": "ü"')
    assert text.endswith("}\n")
    assert read_json(tmp_path / "a.json")["z"] == {"value": 0.5, "low": 0.25, "high": 0.75, "n": 3}


def test_json_with_a_lone_surrogate_can_be_written_and_read(tmp_path: Path) -> None:
    write_json(tmp_path / "a.json", {"cell": "a\ud800b"})
    assert read_json(tmp_path / "a.json") == {"cell": "a\ud800b"}


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_json_refuses_what_is_not_finite_and_says_where(tmp_path: Path, number: float) -> None:
    with pytest.raises(RunError, match=r"a\.json must be finite.*at test\.roc_auc\.1\."):
        write_json(tmp_path / "a.json", {"test": {"accuracy": 1.0, "roc_auc": [0.5, number]}})
    assert os.listdir(tmp_path) == []


@given(value=JSON_VALUES)
def test_finite_values_have_no_non_finite_place(value: object) -> None:
    assert find_non_finite(value) is None


@pytest.mark.parametrize(
    "data", [b"", b"{", b"\xff\xfe", b'{"a": NaN}', b"[" * 100_000], ids=["empty", "cut", "utf-16", "nan", "deep"]
)
def test_unreadable_json_names_the_file(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(RunError, match=r"a\.json must be JSON"):
        read_json(tmp_path / "a.json")


def test_missing_json_names_the_file(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"a\.json must be readable\. Got: No such file"):
        read_json(tmp_path / "a.json")


def test_a_folder_appears_whole_with_the_digest_of_every_file(tmp_path: Path) -> None:
    files = {"a.txt": b"abc", "deep/er/b.bin": bytes(1000), "empty": b""}
    with write_folder(tmp_path / "out") as folder:
        assert folder.parent == tmp_path and not (tmp_path / "out").exists()
        for name, data in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(data)
    assert os.listdir(tmp_path) == ["out"]
    marker = read_json(tmp_path / "out" / "complete.json")
    assert marker["files"] == {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    assert check_folder(tmp_path / "out") == ()


def test_a_folder_replaces_the_older_one_completely(tmp_path: Path) -> None:
    fill(tmp_path / "out", {"a": b"1", "gone": b"1"})
    fill(tmp_path / "out", {"a": b"2"})
    assert {name for name in contents(tmp_path)} == {"out/a", "out/complete.json"}
    assert (tmp_path / "out" / "a").read_bytes() == b"2"


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_a_failed_body_leaves_the_older_folder_and_nothing_else(tmp_path: Path, error: BaseException) -> None:
    fill(tmp_path / "out", {"a": b"1"})
    expected = RunError if isinstance(error, OSError) else type(error)
    with pytest.raises(expected), write_folder(tmp_path / "out") as folder:
        (folder / "a").write_bytes(b"2")
        raise error
    assert os.listdir(tmp_path) == ["out"]
    assert check_folder(tmp_path / "out") == () and (tmp_path / "out" / "a").read_bytes() == b"1"


def test_a_failed_swap_brings_the_older_folder_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(tmp_path / "out", {"a": b"1"})
    real = disk.rename

    def refuse(old: Path, new: Path) -> None:
        if old.name.endswith(".tmp"):
            raise OSError(30, "Read-only file system")
        real(old, new)

    monkeypatch.setattr(disk, "rename", refuse)
    with pytest.raises(RunError, match=r"/out must be writable\. Got: Read-only file system"):
        fill(tmp_path / "out", {"a": b"2"})
    assert os.listdir(tmp_path) == ["out"]
    assert (tmp_path / "out" / "a").read_bytes() == b"1"


def test_a_missing_source_is_named_in_the_error(tmp_path: Path) -> None:
    expected = pytest.raises(RunError, match=r"No such file or directory \(/nowhere/model\.bin\)")
    with expected, write_folder(tmp_path / "out"):
        Path("/nowhere/model.bin").read_bytes()


def test_only_a_folder_of_ours_is_replaced(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.png").write_bytes(b"x")
    (tmp_path / "file").write_bytes(b"x")
    (tmp_path / "link").symlink_to(tmp_path / "photos")
    (tmp_path / "empty").mkdir()
    for name in ("photos", "file", "link"):
        with pytest.raises(RunError, match=r"Remove it or choose another name"):
            fill(tmp_path / name, {"a": b"1"})
    fill(tmp_path / "empty", {"a": b"1"})
    assert sorted(os.listdir(tmp_path)) == ["empty", "file", "link", "photos"]
    assert contents(tmp_path / "photos") == {"cat.png": b"x"}


@pytest.mark.parametrize("place", ["a", "sub"])
def test_a_link_in_a_saved_folder_is_refused(tmp_path: Path, place: str) -> None:
    (tmp_path / "outside").mkdir()
    with pytest.raises(RunError, match=r"must hold plain files"), write_folder(tmp_path / "out") as folder:
        (folder / place).symlink_to(tmp_path / "outside", target_is_directory=place == "sub")
    assert os.listdir(tmp_path) == ["outside"]


def test_every_byte_of_every_file_counts(tmp_path: Path) -> None:
    fill(tmp_path / "out", {"a": b"abc", "sub/b": b"\x00"})
    for file in [path for path in (tmp_path / "out").rglob("*") if path.is_file()]:
        good = file.read_bytes()
        name = file.relative_to(tmp_path / "out").as_posix()
        for place in range(len(good)):
            bad = bytearray(good)
            bad[place] ^= 1 << place % 8
            file.write_bytes(bad)
            found = check_folder(tmp_path / "out")
            assert found and (name == "complete.json" or found == (name,)), (name, place)
        for size in range(len(good)):
            file.write_bytes(good[:size])
            assert check_folder(tmp_path / "out"), (name, size)
        file.unlink()
        assert check_folder(tmp_path / "out") == (name,)
        file.write_bytes(good)
    assert check_folder(tmp_path / "out") == ()


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "sub/../../secret", "link/secret", "link2", "fifo"])
def test_a_marker_never_makes_us_read_outside_the_folder(tmp_path: Path, name: str) -> None:
    out = tmp_path / "out"
    out.mkdir()
    (tmp_path / "secret").write_bytes(b"s")
    (out / "link").symlink_to(tmp_path)
    (out / "link2").symlink_to(tmp_path / "secret")
    os.mkfifo(out / "fifo")  # opening it would block for ever
    digest = hashlib.sha256((Path(name) if name.startswith("/") else tmp_path / "secret").read_bytes()).hexdigest()
    marker = {"schema": 1, "files": {name: digest}}
    (out / "complete.json").write_text(json.dumps(marker, indent=2) + "\n")
    assert check_folder(out) == (name,)


@pytest.mark.parametrize("data", [b"[]", b"{}", b'{"files": 3}', b'{"files": {}}', b"[" * 100_000])
def test_a_marker_of_another_form_is_damage(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "complete.json").write_bytes(data)
    assert check_folder(tmp_path) == ("complete.json",)
    assert check_folder(tmp_path / "nothing") == ("complete.json",)


def test_settling_brings_back_or_clears_the_older_folder(tmp_path: Path) -> None:
    fill(tmp_path / "out", {"a": b"1"})
    os.rename(tmp_path / "out", tmp_path / ".out.old")
    settle_folder(tmp_path / "out")
    assert os.listdir(tmp_path) == ["out"] and check_folder(tmp_path / "out") == ()
    fill(tmp_path / ".out.old", {"a": b"0"})
    settle_folder(tmp_path / "out")
    assert os.listdir(tmp_path) == ["out"] and (tmp_path / "out" / "a").read_bytes() == b"1"
    settle_folder(tmp_path / "out")
    assert os.listdir(tmp_path) == ["out"]


def test_a_failed_replacement_after_a_kill_still_leaves_the_older_folder(tmp_path: Path) -> None:
    fill(tmp_path / "out", {"a": b"1"})
    os.rename(tmp_path / "out", tmp_path / ".out.old")  # killed between the two renames
    with pytest.raises(ValueError), write_folder(tmp_path / "out"):
        raise ValueError
    assert os.listdir(tmp_path) == ["out"] and check_folder(tmp_path / "out") == ()


def test_sweeping_takes_only_our_leftovers(tmp_path: Path) -> None:
    (tmp_path / ".a.txt.0123abcd.tmp").write_text("x")
    (tmp_path / ".out.0123abcd.tmp").mkdir()
    (tmp_path / ".out.0123abcd.tmp" / "file").write_text("x")
    keep = ["a.0123abcd.tmp", ".a.tmp", ".a.0123abcX.tmp", "b", ".out.old"]
    for name in keep:
        (tmp_path / name).write_text("mine")
    sweep(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(keep)


def test_what_is_written_is_on_the_disk_before_it_has_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    synced: dict[int, int] = {}
    real_fsync, real_rename, real_folder = disk.fsync, disk.rename, disk.fsync_folder

    def fsync(fd: int) -> None:
        steps.append("fsync")
        synced[os.fstat(fd).st_ino] = os.fstat(fd).st_size
        real_fsync(fd)

    def rename(old: Path, new: Path) -> None:
        steps.append(f"rename {new.name}")
        for file in [old, *old.rglob("*")]:
            assert file.is_dir() or synced[file.stat().st_ino] == file.stat().st_size
        real_rename(old, new)

    def fsync_folder(folder: Path) -> None:
        steps.append("folder")
        real_folder(folder)

    monkeypatch.setattr(disk, "fsync", fsync)
    monkeypatch.setattr(disk, "rename", rename)
    monkeypatch.setattr(disk, "fsync_folder", fsync_folder)
    atomic.write_bytes(tmp_path / "a", b"abc")
    assert steps == ["fsync", "rename a", "folder", "fsync"]
    steps.clear()
    fill(tmp_path / "out", {"x": b"1", "sub/y": b"2"})
    assert steps[-3:] == ["rename out", "folder", "fsync"]
    assert steps[-5:-3] == ["folder", "fsync"]
