"""One writer per run folder: held by life, released by death, never stolen."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tunewright.errors import RunError
from tunewright.runfolder import lock as lock_module
from tunewright.runfolder.lock import RunLock

SOURCE = Path(lock_module.__file__).parents[2]
HOLD = """
import sys, time
from tunewright.runfolder.lock import RunLock
with RunLock(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""
TRY = """
import json, sys, time
from tunewright.errors import TunewrightError
from tunewright.runfolder.lock import RunLock
start = time.monotonic()
try:
    with RunLock(sys.argv[1]):
        print(json.dumps({"held": True}))
except TunewrightError as error:
    print(json.dumps({"held": False, "why": str(error), "seconds": time.monotonic() - start}))
    sys.exit(error.exit_code)
"""


def start(code: str, folder: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(SOURCE)},
    )


def snapshot(folder: Path) -> dict[str, tuple[int, bytes]]:
    return {
        file.relative_to(folder).as_posix(): (file.stat().st_mtime_ns, file.read_bytes() if file.is_file() else b"")
        for file in [folder, *folder.rglob("*")]
    }


def test_the_second_of_two_processes_leaves_at_once_naming_the_first(tmp_path: Path) -> None:
    (tmp_path / "plan.yaml").write_text("seed: 0\n")
    with start(HOLD, tmp_path) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        before = snapshot(tmp_path)
        with start(TRY, tmp_path) as second:
            told = json.loads(second.communicate(timeout=30)[0])
        assert second.returncode == 1
        assert not told["held"] and told["seconds"] < 2
        assert f"is held by process {holder.pid} on " in told["why"] and str(tmp_path) in told["why"]
        assert snapshot(tmp_path) == before
        holder.communicate("", timeout=30)
    with start(TRY, tmp_path) as third:
        assert json.loads(third.communicate(timeout=30)[0]) == {"held": True}


def test_a_killed_holder_binds_nobody(tmp_path: Path) -> None:
    with start(HOLD, tmp_path) as holder:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        holder.send_signal(signal.SIGKILL)
        holder.wait()
    assert json.loads((tmp_path / ".lock").read_text())["pid"] == holder.pid
    begin = time.monotonic()
    with RunLock(tmp_path):
        assert time.monotonic() - begin < 5
        assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()


def test_a_stale_file_naming_a_living_process_is_free_to_take(tmp_path: Path) -> None:
    stale = {"pid": os.getppid(), "host": "elsewhere", "started": "2020-01-01T00:00:00+00:00", "command": "x" * 900}
    (tmp_path / ".lock").write_text(json.dumps(stale))
    with RunLock(tmp_path):
        assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()
    assert (tmp_path / ".lock").read_text() == ""


def test_the_same_process_is_refused_too_and_the_first_keeps_holding(tmp_path: Path) -> None:
    with RunLock(tmp_path) as first:
        for _ in range(2):
            with pytest.raises(RunError, match=rf"is held by process {os.getpid()} on"), RunLock(tmp_path):
                pass
        with pytest.raises(RunError, match="held by this very lock"), first:
            pass
    with RunLock(tmp_path), pytest.raises(RunError):
        RunLock(tmp_path).__enter__()


def test_a_lock_can_be_taken_again_after_it_was_left(tmp_path: Path) -> None:
    lock = RunLock(tmp_path / "made" / "for" / "it")
    for _ in range(3):
        with lock:
            assert (tmp_path / "made" / "for" / "it" / ".lock").exists()


def test_an_error_inside_releases(tmp_path: Path) -> None:
    with pytest.raises(KeyError), RunLock(tmp_path):
        raise KeyError("x")
    with RunLock(tmp_path):
        pass


def test_a_holder_that_leaves_within_the_patience_is_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = RunLock(tmp_path)
    first.__enter__()
    monkeypatch.setattr(lock_module.time, "sleep", lambda seconds: first.__exit__(None, None, None))
    with RunLock(tmp_path):
        assert json.loads((tmp_path / ".lock").read_text())["pid"] == os.getpid()


def test_a_lock_whose_file_was_removed_under_it_is_not_mistaken_for_the_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = lock_module.fcntl.flock
    removed: list[int] = []

    def flock(fd: int, operation: int) -> None:
        if not removed:
            removed.append(fd)
            (tmp_path / ".lock").unlink()
        real(fd, operation)

    monkeypatch.setattr(lock_module.fcntl, "flock", flock)
    with RunLock(tmp_path):
        monkeypatch.undo()
        assert (tmp_path / ".lock").exists()
        with pytest.raises(RunError, match="is held by"), RunLock(tmp_path):
            pass


def test_a_worker_that_outlives_its_killed_parent_does_not_hold(tmp_path: Path) -> None:
    code = """
import os, sys, time
from tunewright.runfolder.lock import RunLock
with RunLock(sys.argv[1]):
    worker = os.fork()
    if worker == 0:
        print(os.getpid(), flush=True)
        time.sleep(60)
        os._exit(0)
    sys.stdin.read()
"""
    with start(code, tmp_path) as parent:
        assert parent.stdout is not None
        worker = int(parent.stdout.readline())
        try:
            with pytest.raises(RunError, match=f"held by process {parent.pid} "), RunLock(tmp_path):
                pass
            parent.kill()
            parent.wait()
            os.kill(worker, 0)  # it lives
            with RunLock(tmp_path):
                pass
        finally:
            os.kill(worker, signal.SIGKILL)


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b'{"pid": 1}'])
def test_a_holder_that_said_nothing_readable_is_still_respected(
    tmp_path: Path, data: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lock_module, "PATIENCE", 0.0)
    with RunLock(tmp_path):
        (tmp_path / ".lock").write_bytes(data)
        with pytest.raises(RunError, match="is held by another process"), RunLock(tmp_path):
            pass


def test_a_link_in_the_lock_s_place_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("x")
    (tmp_path / ".lock").symlink_to(tmp_path / "precious")
    with pytest.raises(RunError, match="must be writable"), RunLock(tmp_path):
        pass
    assert (tmp_path / "precious").read_text() == "x"


def test_a_file_in_the_folder_s_place_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("x")
    with pytest.raises(RunError, match=r"/run must be writable\. Got: File exists"), RunLock(tmp_path / "run"):
        pass
