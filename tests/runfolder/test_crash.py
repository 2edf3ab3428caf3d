"""A save stopped between any two of its steps on the disk, by a kill or by a power cut, costs at most that save.

The steps are recorded by standing in for the functions of `disk`. Before each step (and in the middle of each write)
the folder is copied twice: as a kill leaves it, and as a power cut may: of what was not yet fsynced half is gone, and
what was renamed since the last fsync of the folder has its old name.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from tunewright.runfolder import disk
from tunewright.runfolder import state as state_module
from tunewright.runfolder.atomic import check_folder, settle_folder, sweep, write_bytes, write_folder
from tunewright.runfolder.folder import RunFolder, open_run
from tunewright.runfolder.journal import Journal, read_entries
from tunewright.runfolder.partial import Partial
from tunewright.runfolder.state import load_state, save_state

REAL = {name: getattr(disk, name) for name in ("write_all", "fsync", "rename", "fsync_folder", "remove")}
REAL_ARRAYS = state_module.write_arrays


@dataclass
class Recorder:
    """Takes copies of `root` before every step; its methods stand in for the functions of their names."""

    root: Path
    into: Path
    synced: dict[int, int] = field(default_factory=dict)
    renamed: list[tuple[Path, Path, bytes | None]] = field(default_factory=list)
    copies: list[tuple[str, Path]] = field(default_factory=list)

    def snap(self, step: str) -> None:
        for kind in ("kill", "power cut"):
            copy = self.into / f"{len(self.copies)}"
            shutil.copytree(self.root, copy, symlinks=True)
            self.copies.append((f"{kind} at {step}", copy))
            if kind == "power cut":
                self._lose(copy)

    def _lose(self, copy: Path) -> None:
        for file in [file for file in self.root.rglob("*") if file.is_file()]:
            facts = file.stat()
            safe = self.synced.get(facts.st_ino, 0)
            if safe < facts.st_size:
                os.truncate(copy / file.relative_to(self.root), (safe + facts.st_size) // 2)
        for old, new, replaced in reversed(self.renamed):
            there = copy / new.relative_to(self.root)
            if os.path.lexists(there):
                os.rename(there, copy / old.relative_to(self.root))
            if replaced is not None:
                there.write_bytes(replaced)

    def write_all(self, fd: int, data: bytes) -> None:
        self.snap("write")
        if os.fstat(fd).st_size == 0:  # a new file, perhaps under the number of a removed one
            self.synced.pop(os.fstat(fd).st_ino, None)
        REAL["write_all"](fd, data[: len(data) // 2])
        self.snap("half a write")
        REAL["write_all"](fd, data[len(data) // 2 :])

    def write_arrays(self, file: Path, arrays: dict[str, np.ndarray]) -> None:
        self.snap("arrays")
        REAL_ARRAYS(file, arrays)
        self.synced.pop(file.stat().st_ino, None)
        data = file.read_bytes()
        file.write_bytes(data[: len(data) // 2])
        self.snap("half of the arrays")
        file.write_bytes(data)

    def fsync(self, fd: int) -> None:
        self.snap("fsync")
        REAL["fsync"](fd)
        self.synced[os.fstat(fd).st_ino] = os.fstat(fd).st_size

    def rename(self, old: Path, new: Path) -> None:
        self.snap(f"rename to {new.name}")
        replaced = new.read_bytes() if new.is_file() else None
        REAL["rename"](old, new)
        if not old.name.startswith("step-"):  # a removal: undone, it only brings back what had to go
            self.renamed.append((old, new, replaced))

    def fsync_folder(self, folder: Path) -> None:
        REAL["fsync_folder"](folder)
        self.renamed = [entry for entry in self.renamed if entry[1].parent != folder]

    def remove(self, path: Path) -> None:
        pending = [new for _, new, _ in self.renamed if new.parent == path.parent and new != path]
        assert not pending, "removed something before the name of what replaces it was on the disk"
        self.snap(f"remove {path.name}")
        if path.is_dir() and not path.is_symlink():
            for file in sorted(path.rglob("*"), reverse=True):
                file.rmdir() if file.is_dir() else file.unlink()
                self.snap(f"remove a part of {path.name}")
        REAL["remove"](path)


def stopped_everywhere(
    root: Path, into: Path, do: Callable[[], object], patch: pytest.MonkeyPatch
) -> Iterator[tuple[str, Path]]:
    """Run `do` once and give what it leaves behind where it is stopped at each of its steps."""
    into.mkdir()
    recorder = Recorder(root=root, into=into)
    for file in [file for file in root.rglob("*") if file.is_file()]:
        recorder.synced[file.stat().st_ino] = file.stat().st_size
    with patch.context() as inner:
        for name in REAL:
            inner.setattr(disk, name, getattr(recorder, name))
        inner.setattr(state_module, "write_arrays", recorder.write_arrays)
        do()
    recorder.snap("the end")
    assert len(recorder.copies) > 8
    yield from recorder.copies


def save(folder: Path, step: int, note: str = "") -> None:
    weights = np.full((4, 3), step, dtype=np.float32)
    save_state(folder, step=step, arrays={"w": weights}, meta={"note": note})


def test_a_save_stopped_at_any_step_loses_at_most_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "run"
    for step in (1, 2):
        save(root, step)
    copies = stopped_everywhere(root, tmp_path / "copies", lambda: save(root, 3), monkeypatch)
    steps: dict[str, list[int]] = {"kill": [], "power cut": []}
    for what, copy in copies:
        state = load_state(copy)
        assert state is not None and state.step in (2, 3), what
        assert np.all(state.arrays["w"] == state.step) and state.notes == (), what
        steps[what.split(" at ")[0]].append(state.step)
        save(copy, 4)  # and it goes on from there
        assert sorted(os.listdir(copy)) == [f"step-0000000{state.step}", "step-00000004"], what
    for found in steps.values():
        assert found == sorted(found) and set(found) == {2, 3}


def test_a_save_over_the_same_step_leaves_the_old_or_the_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "run"
    save(root, 1, "old")
    copies = stopped_everywhere(root, tmp_path / "copies", lambda: save(root, 1, "new"), monkeypatch)
    notes = []
    for what, copy in copies:
        state = load_state(copy)
        assert state is not None and state.notes == (), what
        notes.append(state.meta["note"])
        assert os.listdir(copy) == ["step-00000001"], what
    assert notes[0] == "old" and notes[-1] == "new" and set(notes) == {"old", "new"}


def test_a_replaced_folder_is_the_old_or_the_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root"

    def write(text: str) -> None:
        with write_folder(root / "bundle") as folder:
            (folder / "a").write_text(text)
            (folder / "sub").mkdir()
            (folder / "sub" / "b").write_text(text)

    write("old")
    found = []
    for what, copy in stopped_everywhere(root, tmp_path / "copies", lambda: write("new"), monkeypatch):
        settle_folder(copy / "bundle")
        sweep(copy)
        assert check_folder(copy / "bundle") == (), what
        assert os.listdir(copy) == ["bundle"], what
        texts = {(copy / "bundle" / name).read_text() for name in ("a", "sub/b")}
        assert len(texts) == 1, what
        found.append(texts.pop())
    assert found[0] == "old" and found[-1] == "new"


def test_a_replaced_file_is_the_old_or_the_new(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root"
    write_bytes(root / "split.json", b"o" * 50)
    into = tmp_path / "copies"
    found = []
    for what, copy in stopped_everywhere(root, into, lambda: write_bytes(root / "split.json", b"n" * 60), monkeypatch):
        sweep(copy)
        assert os.listdir(copy) == ["split.json"], what
        found.append((copy / "split.json").read_bytes())
        assert found[-1] in (b"o" * 50, b"n" * 60), what
    assert found[0] == b"o" * 50 and found[-1] == b"n" * 60


def test_journal_entries_that_were_returned_are_never_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = tmp_path / "root"
    root.mkdir()
    with Journal(root / "j") as journal:
        journal.append("one")

    def more() -> None:
        with Journal(root / "j") as journal:
            journal.append("two")
            journal.append("three")

    counts = []
    for what, copy in stopped_everywhere(root, tmp_path / "copies", more, monkeypatch):
        with Journal(copy / "j") as journal:
            events = [entry.event for entry in journal.entries()]
            assert events == ["one", "two", "three"][: len(events)], what
            journal.append("four")
        assert len(read_entries(copy / "j")) == len(events) + 1
        counts.append(len(events))
    assert counts[0] == 1 and counts[-1] == 3 and min(counts[counts.index(2) + 2 :]) >= 2


@pytest.mark.parametrize("new_run", [True, False])
def test_starting_stopped_at_any_step_can_be_started_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, new_run: bool
) -> None:
    root = tmp_path / "run"
    root.mkdir()
    (root / "notes.txt").write_text("mine")
    if not new_run:
        old = open_run(root, plan_text="old", digest="old")
        old.split_json.write_text("old")
        save(old.checkpoints, 7)
        with Journal(old.journal) as journal:
            journal.append("finished")
    copies = stopped_everywhere(
        root,
        tmp_path / "copies",
        lambda: open_run(root, plan_text="new", digest="new", fresh=not new_run),
        monkeypatch,
    )
    continued = []
    for what, copy in copies:
        begun = any(entry.data.get("digest") == "new" for entry in read_entries(copy / "journal.jsonl"))
        if not new_run and not begun:
            assert RunFolder(copy).finished and load_state(copy / "checkpoints") is not None, what
        run = open_run(copy, plan_text="new", digest="new", fresh=not new_run and not begun)
        continued.append(begun)
        assert sorted(os.listdir(copy)) == ["journal.jsonl", "notes.txt", "plan.yaml"], what
        assert run.plan_yaml.read_text() == "new" and not run.finished, what
    assert set(continued) == {True, False}


def test_a_file_in_pieces_stopped_anywhere_ends_at_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root"
    root.mkdir()

    def write(folder: Path) -> int:
        with Partial(folder / "a", made_from={"model": "m"}) as file:
            before = file.rows
            for number in range(before, 3):
                file.append(b"%d\n" % number * 20, rows=1)
            file.finish()
        return before

    known = []
    for what, copy in stopped_everywhere(root, tmp_path / "copies", lambda: write(root), monkeypatch):
        known.append(write(copy))
        assert os.listdir(copy) == ["a"], what
        assert (copy / "a").read_bytes() == b"".join(b"%d\n" % number * 20 for number in range(3)), what
    assert set(known) == {0, 1, 2, 3}
