"""A run folder at a URL: every prefix of what is sent is a folder that a run can be continued from (FAULTS 1)."""

import fsspec
import numpy as np
import pytest

from tunewright.errors import RunError
from tunewright.events import Event
from tunewright.remote import files
from tunewright.remote.files import sizes, write_url
from tunewright.runfolder import (
    Journal,
    check_folder,
    disk,
    load_state,
    open_run,
    read_json,
    save_state,
    write_folder,
    write_json,
)
from tunewright.runfolder import mirror as mirror_module
from tunewright.runfolder.mirror import Mirror
from tunewright.runfolder.place import held

URL = "memory://mirrored/runs/tickets"
OPEN = {"plan_text": "seed: 0", "digest": "abc"}


@pytest.fixture(autouse=True)
def empty_memory(monkeypatch):
    """What is tried here is the order of what is sent; waiting for the disk is tried in `test_crash`."""
    monkeypatch.setattr(disk, "fsync", lambda fd: None)
    store = fsspec.filesystem("memory").store
    store.clear()
    yield store
    store.clear()


def quiet(event):
    pass


def elsewhere(monkeypatch, tmp_path, name):
    """Another machine: another cache."""
    monkeypatch.setenv("TUNEWRIGHT_HOME", str(tmp_path / name))


def live(url=URL, *, fresh=False, weight=1.0):
    """A whole run in small: decisions, checkpoints of which old ones go, artefacts, a bundle written twice, the end."""
    with held(url, fresh=fresh, observe=quiet) as place:
        folder = open_run(place.path, **OPEN, fresh=fresh)
        if folder.finished:
            return read_json(folder.summary_json)
        with Journal(folder.journal) as journal:
            place.settle()
            write_json(folder.audit_json, {"rows": 3})
            for step in range(1, 5):
                decided = journal.decide(f"rate {step}", lambda step=step: weight * step)
                arrays = {"w": np.full(3, decided)}
                save_state(folder.checkpoints, step=step, arrays=arrays, meta={"decided": decided})
                place.settle()
            for round_ in ("first", "second"):
                with write_folder(folder.bundle) as bundle:
                    (bundle / "model.json").write_text(round_)
                    (bundle / f"only-{round_}.json").write_text("{}")
                place.settle()
            write_json(folder.summary_json, {"weight": weight, "run": place.name})
            journal.append("finished", {})
        place.settle()
    return {"weight": weight, "run": URL}


class Cut(Exception):
    """The machine is gone."""


def cut_after(monkeypatch, steps):
    """From the given step on nothing reaches the storage."""
    left = [steps]

    def cutting(original):
        def do(*given, **named):
            if left[0] == 0:
                raise Cut
            left[0] -= 1
            return original(*given, **named)

        return do

    for name in ("write_url", "put_file", "remove_url"):
        monkeypatch.setattr(files, name, cutting(getattr(files, name)))
    return left


def test_what_was_done_is_there_and_can_be_read_elsewhere(monkeypatch, tmp_path):
    assert live() == {"weight": 1.0, "run": URL}
    there = set(sizes(URL, raising=RunError))
    assert {"journal.jsonl", "plan.yaml", "audit.json", "summary.json", "bundle/model.json"} <= there
    assert "bundle/only-second.json" in there and "bundle/only-first.json" not in there
    assert {name.split("/")[1] for name in there if name.startswith("checkpoints")} == {
        "step-00000003",
        "step-00000004",
    }
    assert not [name for name in there if "lock" in name or ".tmp" in name]
    elsewhere(monkeypatch, tmp_path, "b")
    assert live() == {"weight": 1.0, "run": URL}  # finished: shown again, not done again
    assert not (Mirror(URL).local / "bundle").exists()  # what is large stays where it is


@pytest.mark.parametrize("fresh", [False, True])
def test_every_prefix_of_what_is_sent_can_be_continued(monkeypatch, tmp_path, empty_memory, fresh):
    before = {}
    if fresh:  # over a finished run, of which nothing may be mixed in
        live(weight=7.0)
        before = dict(empty_memory)
    with monkeypatch.context() as patch:
        left = cut_after(patch, 10**6)
        live(fresh=fresh)
        total = 10**6 - left[0]
    assert total > 30
    for steps in range(total):
        empty_memory.clear()
        empty_memory.update(before)
        elsewhere(monkeypatch, tmp_path, f"cut-{steps}")
        with monkeypatch.context() as patch:
            cut_after(patch, steps)
            with pytest.raises(Cut):
                live(fresh=fresh)
        elsewhere(monkeypatch, tmp_path, f"on-{steps}")
        copy = Mirror(URL)
        copy.pull()
        sealed = [path.parent for path in copy.local.rglob("complete.json")]
        assert all(check_folder(one) == () for one in sealed), steps
        assert not list(copy.local.rglob(".*")) or fresh
        state = load_state(copy.local / "checkpoints")
        decided = {}
        if (copy.local / "journal.jsonl").exists():
            with Journal(copy.local / "journal.jsonl") as journal:
                decided = {e.data["name"]: e.data["value"] for e in journal.entries() if e.event == "decided"}
                ready = [e.event for e in journal.entries()]
        if state is not None and "ready" in ready:  # before that, `open_run` removes it
            assert state.meta["decided"] == decided[f"rate {state.step}"], steps  # never ahead of its decisions
        told = live()
        expected = 7.0 if fresh and steps == 0 else 1.0  # nothing sent: the old run is still there, whole
        assert told == {"weight": expected, "run": URL}, steps
        assert read_there(empty_memory, "bundle/model.json") == b"second"


def read_there(store, name):
    return store[f"/mirrored/runs/tickets/{name}"].getvalue()


def test_a_copy_that_is_further_on_is_sent_not_lost(monkeypatch):
    """The line was down at the end: the same command sends what it has."""
    with monkeypatch.context() as patch:
        left = cut_after(patch, 10**6)
        live("memory://counted/run")
        total = 10**6 - left[0]
    with monkeypatch.context() as patch:
        cut_after(patch, total - 1)  # all but the journal's last line
        with pytest.raises(Cut):
            live()
    made = []
    with held(URL, fresh=False, observe=quiet) as place:
        folder = open_run(place.path, **OPEN)
        assert folder.finished
        made.append(folder.summary_json.stat().st_mtime_ns)
        place.settle()
    assert Mirror(URL).local.joinpath("summary.json").stat().st_mtime_ns == made[0]
    assert '"event": "finished"' in read_there(fsspec.filesystem("memory").store, "journal.jsonl").decode()
    assert read_there(fsspec.filesystem("memory").store, "bundle/model.json") == b"second"


def test_another_machine_that_went_on_wins(monkeypatch, tmp_path):
    elsewhere(monkeypatch, tmp_path, "a")
    with monkeypatch.context() as patch:
        cut_after(patch, 6)
        with pytest.raises(Cut):
            live()
    elsewhere(monkeypatch, tmp_path, "b")
    live(weight=1.0)
    elsewhere(monkeypatch, tmp_path, "a")
    copy = Mirror(URL)
    copy.pull()
    assert (copy.local / "summary.json").exists()


def test_a_folder_that_is_not_a_runs_is_left_alone():
    write_url(f"{URL}/summary.json", b"{}")
    with pytest.raises(RunError, match=r"memory://mirrored/runs/tickets is not a run's but holds summary\.json"):
        live()
    write_url("memory://photos/cat.jpg", b"cat")
    with pytest.raises(RunError, match=r"holds cat\.jpg"):
        live("memory://photos", fresh=True)
    assert set(sizes("memory://photos", raising=RunError)) == {"cat.jpg"}


def test_files_of_others_beside_a_run_stay(empty_memory):
    write_url(f"{URL}/notes.md", b"mine")
    live()
    live(fresh=True, weight=2.0)
    assert read_there(empty_memory, "notes.md") == b"mine"


def test_another_plan_is_refused_by_the_name_people_know():
    live()
    with (
        pytest.raises(RunError, match=r"memory://mirrored/runs/tickets holds a run of another"),
        held(URL, fresh=False, observe=quiet) as place,
    ):
        open_run(place.path, plan_text="seed: 1", digest="other")


@pytest.mark.parametrize("url", ["https://ann:pa55word@host/run", "s3://bucket/run?sig=pa55word", "memory://"])
def test_a_folder_with_a_secret_in_its_name_is_refused(url):
    with pytest.raises(RunError, match="must name a folder, without") as caught:
        Mirror(url)
    assert "pa55word" not in str(caught.value)


def test_keeping_up_waits_between_times_and_outlives_a_failure(monkeypatch):
    heard = []
    note = Event(station="train", what="progress")
    with held(URL, fresh=False, observe=heard.append) as place:
        folder = open_run(place.path, **OPEN)
        place.keep_up(note)
        write_json(folder.audit_json, {"rows": 1})
        place.keep_up(note)  # too soon
        assert "audit.json" not in sizes(URL, raising=RunError)
        with monkeypatch.context() as patch:
            patch.setattr(files, "put_file", refuse)
            place.keep_up(Event(station="audit", what="done"))
        assert len(heard) == 1 and "sent again later" in heard[0].text
        place.keep_up(Event(station="audit", what="done"))  # the end of a station does not wait
        assert "audit.json" in sizes(URL, raising=RunError)
        write_json(folder.audit_json, {"rows": 2})
        monkeypatch.setattr(mirror_module.time, "monotonic", lambda: 1e12)
        place.keep_up(note)
        assert b"2" in read_there(fsspec.filesystem("memory").store, "audit.json")


def refuse(*given, **named):
    raise RunError("The place to write to must take files. It does not.")


def test_one_process_at_a_time(tmp_path):
    with (
        held(URL, fresh=False, observe=quiet),
        pytest.raises(RunError, match=f"{URL} is held by process"),
        held(URL, fresh=False, observe=quiet),
    ):
        raise AssertionError("two at a time")


def test_of_two_machines_the_one_that_wrote_last_goes_on(monkeypatch, tmp_path, empty_memory):
    """Neither mixes its files with the other's; whoever is overtaken says so, and does not only note it."""
    elsewhere(monkeypatch, tmp_path, "a")
    done, before = Event(station="train", what="done"), {}
    with (
        pytest.raises(RunError, match="was written to by another since"),
        held(URL, fresh=False, observe=quiet) as first,
    ):
        folder = open_run(first.path, **OPEN)
        first.keep_up(done)
        monkeypatch.setenv("TUNEWRIGHT_HOME", str(tmp_path / "b"))
        assert live() == {"weight": 1.0, "run": URL}  # the other continues it, to the end
        before |= {name: read_there(empty_memory, name) for name in sizes(URL, raising=RunError)}
        write_json(folder.summary_json, {"weight": 9.0})
        first.keep_up(done)
        raise AssertionError("it went on")
    assert {name: read_there(empty_memory, name) for name in sizes(URL, raising=RunError)} == before


def test_of_two_that_begin_at_once_one_is_refused(monkeypatch, tmp_path):
    elsewhere(monkeypatch, tmp_path, "a")
    with (
        pytest.raises(RunError, match="was written to by another since"),
        held(URL, fresh=False, observe=quiet) as first,
    ):
        open_run(first.path, **OPEN)
        monkeypatch.setenv("TUNEWRIGHT_HOME", str(tmp_path / "b"))
        live()
        first.settle()
