"""Opening, continuing and starting over a run, without ever touching what is not ours."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tunewright.errors import RunError
from tunewright.runfolder.atomic import check_folder, write_folder
from tunewright.runfolder.folder import ARTEFACTS, RunFolder, open_run
from tunewright.runfolder.journal import Journal, read_entries
from tunewright.runfolder.lock import RunLock
from tunewright.runfolder.state import load_state, save_state


def fill(run: RunFolder) -> None:
    """Leave what a finished run leaves."""
    for name in ARTEFACTS:
        if "." in name and name != "plan.yaml":
            (run.path / name).write_text("old")
    save_state(run.checkpoints, step=1, arrays={}, meta={})
    with write_folder(run.bundle) as bundle:
        (bundle / "model.json").write_text("{}")
    with Journal(run.journal) as journal:
        journal.decide("batch", lambda: 8)
        journal.append("finished")


def test_a_new_run_has_its_plan_and_a_journal(tmp_path: Path) -> None:
    run = open_run(tmp_path / "runs" / "a", plan_text="seed: 0\n", digest="d1")
    assert sorted(os.listdir(run.path)) == ["journal.jsonl", "plan.yaml"]
    assert run.plan_yaml.read_text() == "seed: 0\n"
    assert [(entry.event, dict(entry.data)) for entry in read_entries(run.journal)] == [
        ("opened", {"digest": "d1"}),
        ("ready", {}),
    ]
    assert not run.finished


def test_every_path_lies_in_the_folder_under_its_own_name(tmp_path: Path) -> None:
    run = RunFolder(tmp_path)
    paths = [
        getattr(run, name)
        for name, member in vars(RunFolder).items()
        if isinstance(member, property) and name != "finished"
    ]
    assert {path.parent for path in paths} == {tmp_path} and len(set(paths)) == len(paths) >= 10
    assert {path.name for path in paths} <= {*ARTEFACTS, "journal.jsonl"}
    assert os.listdir(tmp_path) == []


def test_the_same_digest_continues_and_changes_nothing(tmp_path: Path) -> None:
    run = open_run(tmp_path, plan_text="seed: 0\n", digest="d1")
    fill(run)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    again = open_run(tmp_path, plan_text="seed: 0  # printed otherwise\n", digest="d1")
    assert again == run and again.finished
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_another_digest_is_refused_with_what_to_do(tmp_path: Path) -> None:
    run = open_run(tmp_path, plan_text="seed: 0\n", digest="d1")
    fill(run)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    with pytest.raises(RunError, match=r"one plan and one set of data.*another \(d1, this one is d2\).*--fresh.*--out"):
        open_run(tmp_path, plan_text="seed: 1\n", digest="d2")
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("digest", ["d1", "d2"])
def test_fresh_starts_over_and_leaves_what_is_not_ours(tmp_path: Path, digest: str) -> None:
    run = open_run(tmp_path, plan_text="seed: 0\n", digest="d1")
    fill(run)
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "train.csv").write_text("mine")
    with RunLock(tmp_path):
        run = open_run(tmp_path, plan_text="seed: 1\n", digest=digest, fresh=True)
        with pytest.raises(RunError), RunLock(tmp_path):
            pass
    assert sorted(os.listdir(tmp_path)) == [".lock", "data", "journal.jsonl", "notes.txt", "plan.yaml"]
    assert os.listdir(tmp_path / "data") == ["train.csv"]
    assert run.plan_yaml.read_text() == "seed: 1\n" and not run.finished
    with Journal(run.journal) as journal:
        assert journal.decide("batch", lambda: 16) == 16, "the old run's decisions are gone"
    assert load_state(run.checkpoints) is None


def test_fresh_never_follows_a_link_out_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("mine")
    run = open_run(tmp_path / "run", plan_text="", digest="d")
    run.checkpoints.symlink_to(tmp_path / "precious")
    run.report_html.symlink_to(tmp_path / "precious" / "file")
    open_run(tmp_path / "run", plan_text="", digest="d", fresh=True)
    assert sorted(os.listdir(run.path)) == ["journal.jsonl", "plan.yaml"]
    assert (tmp_path / "precious" / "file").read_text() == "mine"


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize("name", ["plan.yaml", "report.html", "bundle", "journal.jsonl"])
def test_a_folder_with_our_names_that_is_no_run_is_refused(tmp_path: Path, name: str, fresh: bool) -> None:
    (tmp_path / name).write_text("mine")
    with pytest.raises(RunError, match=r"A run needs a folder of its own"):
        open_run(tmp_path, plan_text="", digest="d", fresh=fresh)
    assert os.listdir(tmp_path) == [name] and (tmp_path / name).read_text() == "mine"


def test_a_folder_of_other_files_takes_a_run_but_is_never_cleared(tmp_path: Path) -> None:
    (tmp_path / "tickets.csv").write_text("mine")
    with pytest.raises(RunError, match=r"is not a run's but holds tickets\.csv"):
        open_run(tmp_path, plan_text="", digest="d", fresh=True)
    run = open_run(tmp_path, plan_text="", digest="d")
    open_run(tmp_path, plan_text="", digest="e", fresh=True)
    assert sorted(os.listdir(tmp_path)) == ["journal.jsonl", "plan.yaml", "tickets.csv"]
    assert run.journal.exists()


def test_fresh_in_an_empty_or_missing_folder_is_a_new_run(tmp_path: Path) -> None:
    with RunLock(tmp_path / "a"):
        run = open_run(tmp_path / "a", plan_text="x", digest="d", fresh=True)
    assert run.plan_yaml.read_text() == "x"


def test_finished_is_what_the_journal_says(tmp_path: Path) -> None:
    run = open_run(tmp_path, plan_text="", digest="d")
    with Journal(run.journal) as journal:
        journal.append("finish", {"event": "finished"})
        assert not run.finished
        journal.append("finished")
        assert run.finished
    assert not RunFolder(tmp_path / "none").finished


@pytest.mark.parametrize("damage", ["emptied", "middle"])
def test_a_damaged_journal_never_costs_the_results(tmp_path: Path, damage: str) -> None:
    run = open_run(tmp_path, plan_text="", digest="d")
    fill(run)
    run.journal.write_bytes(b"" if damage == "emptied" else run.journal.read_bytes().replace(b"opened", b"Opened"))
    with pytest.raises(RunError, match=r"--fresh"):
        open_run(tmp_path, plan_text="", digest="d")
    assert check_folder(run.bundle) == () and run.report_html.read_text() == "old"
    open_run(tmp_path, plan_text="", digest="d", fresh=True)
    assert not run.bundle.exists()


def test_leftovers_of_killed_writers_go_and_a_moved_bundle_comes_back(tmp_path: Path) -> None:
    run = open_run(tmp_path, plan_text="", digest="d")
    fill(run)
    (tmp_path / ".report.html.0123abcd.tmp").write_text("half")
    run.bundle.rename(tmp_path / ".bundle.old")
    run.plan_yaml.unlink()
    open_run(tmp_path, plan_text="seed: 0\n", digest="d")
    assert check_folder(run.bundle) == () and run.plan_yaml.read_text() == "seed: 0\n"
    assert not [name for name in os.listdir(tmp_path) if name.startswith(".")]


@pytest.mark.parametrize("place", ["file", "file/run", "/proc/tunewright"])
def test_a_folder_that_cannot_be_written_is_found_out_first(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("mine")
    with pytest.raises(RunError, match=r"must be writable\. Got: .*--out"):
        open_run(tmp_path / place, plan_text="", digest="d")
    assert os.listdir(tmp_path) == ["file"] and (tmp_path / "file").read_text() == "mine"
