"""Real kills, a really full disk, a really read-only folder: each in a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tunewright.runfolder import state as state_module

SOURCE = Path(state_module.__file__).parents[2]

HEAD = """
import json, os, random, resource, signal, sys, time
from pathlib import Path
import numpy as np
from tunewright.errors import TunewrightError
from tunewright.runfolder import Journal, RunLock, load_state, open_run, save_state
folder = Path(sys.argv[1])

def save(step, rows=4000):
    arrays = {"w": np.full((rows, 16), step, dtype=np.float32)}
    save_state(folder / "checkpoints", step=step, arrays=arrays, meta={"step": step})

def is_whole(state):
    return state is not None and bool(np.all(state.arrays["w"] == state.step)) and state.meta == {"step": state.step}
"""

# One parent forks child after child, so that the libraries are imported once.
KILLS = """
def work(told, start):
    with Journal(folder / "journal.jsonl") as journal:
        for step in range(start, start + 1_000_000):
            save(step)
            journal.append("saved", {"step": step})
            os.write(told, f"{step}\\n".encode())

def read_all(fd):
    data = b""
    while part := os.read(fd, 65536):
        data += part
    return [int(line) for line in data.split(b"\\n")[:-1]]

chance = random.Random(0)
last, lost, cut, mid_save = 0, 0, 0, 0
for kill in range(int(sys.argv[2])):
    out, told = os.pipe()
    child = os.fork()
    if child == 0:
        work(told, last + 1)
    os.close(told)
    done = []
    if kill % 5:  # one in five is killed wherever it is, the others in a later save than their first
        done.append(int(os.read(out, 65536).split()[-1]))
    time.sleep(chance.uniform(0.0, 0.04))
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    done += read_all(out)
    os.close(out)
    mid_save += any(name.startswith(".") for name in os.listdir(folder / "checkpoints"))
    acknowledged = done[-1] if done else last
    state = load_state(folder / "checkpoints")
    if acknowledged == 0 and state is None:
        continue
    assert is_whole(state) and state.notes == (), state
    lost = max(lost, acknowledged - state.step)
    with Journal(folder / "journal.jsonl") as journal:
        steps = [entry.data["step"] for entry in journal.entries()]
        cut += journal.cut_bytes > 0
        assert not done or acknowledged in steps
        assert sorted(os.listdir(folder / "checkpoints"))[-1] == f"step-{state.step:08d}"
    last = state.step
print(json.dumps({"last": last, "lost": lost, "cut": cut, "mid_save": mid_save}))
"""

FULL = """
code = 0
step = 0
try:
    run = open_run(folder, plan_text="seed: 0", digest="d")
    while True:
        step += 1
        save(step, rows=int(sys.argv[2]) * step)
except TunewrightError as error:
    print(str(error), file=sys.stderr)
    code = error.exit_code
state = load_state(folder / "checkpoints")
names = sorted(os.listdir(folder / "checkpoints"))
print(json.dumps({"failed": step, "loaded": state and state.step, "whole": is_whole(state), "names": names}))
sys.exit(code)
"""

FULL_JOURNAL = """
code = 0
with Journal(folder / "journal.jsonl") as journal:
    with (folder / "filler").open("wb", buffering=0) as stream:
        try:
            while True:
                stream.write(bytes(4096))
        except OSError:
            pass
    count = 0
    try:
        while True:
            journal.append("event", {"text": "x" * 500})
            count += 1
    except TunewrightError as error:
        print(str(error), file=sys.stderr)
        code = error.exit_code
    os.remove(folder / "filler")
    for _ in range(10):
        journal.append("after")
with Journal(folder / "journal.jsonl") as journal:
    print(json.dumps({"count": count, "read": len(journal.entries()), "cut": journal.cut_bytes}))
sys.exit(code)
"""

READ_ONLY = """
before = sorted(os.listdir(folder))
said = []
for step in (lambda: RunLock(folder).__enter__(), lambda: open_run(folder, plan_text="", digest="d"), lambda: save(1)):
    try:
        step()
    except TunewrightError as error:
        said.append(str(error))
print(json.dumps({"said": said, "same": sorted(os.listdir(folder)) == before}))
"""


def can_mount() -> bool:
    if shutil.which("unshare") is None:
        return False
    tried = subprocess.run(
        ["unshare", "--mount", "sh", "-c", "mount -t tmpfs -o size=1m none /proc/self/cwd"],
        cwd="/tmp",
        capture_output=True,
        check=False,
    )
    return tried.returncode == 0


needs_mount = pytest.mark.skipif(not can_mount(), reason="needs the right to mount a tmpfs")


def run(code: str, folder: Path, *arguments: object, mount: str = "") -> subprocess.CompletedProcess[str]:
    """Run `code` on `folder`; `mount` holds commands run first, in a mount namespace that vanishes with the process."""
    command = [sys.executable, "-c", HEAD + code, str(folder), *map(str, arguments)]
    if mount:
        command = [
            "unshare",
            "--mount",
            "sh",
            "-c",
            f'folder=$1; {mount} && shift && exec "$@"',
            "sh",
            str(folder),
            *command,
        ]
    environment = os.environ | {"PYTHONPATH": str(SOURCE), "PYTHONWARNINGS": "error"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)


def told(done: subprocess.CompletedProcess[str]) -> dict[str, object]:
    assert "Traceback" not in done.stderr, done.stderr
    answer = json.loads(done.stdout)
    assert isinstance(answer, dict)
    return answer


def check_kills(folder: Path, kills: int) -> None:
    (folder / "checkpoints").mkdir()
    done = run(KILLS, folder, kills)
    answer = told(done)
    assert done.returncode == 0
    assert isinstance(answer["last"], int) and answer["last"] > kills // 3, "children must get somewhere"
    assert isinstance(answer["mid_save"], int) and answer["mid_save"] > 0, "some kills must fall into a save"
    assert answer["lost"] == 0, "a save that returned is never lost, so at most the one in flight is"


def test_thirty_random_kills(tmp_path: Path) -> None:
    check_kills(tmp_path, 30)


@pytest.mark.slow
def test_two_hundred_random_kills(tmp_path: Path) -> None:
    check_kills(tmp_path, 200)


def check_full(done: subprocess.CompletedProcess[str], folder: Path, reason: str) -> None:
    answer = told(done)
    failed = answer["failed"]
    assert isinstance(failed, int) and failed > 2
    assert done.returncode == 1
    assert f"{folder}/checkpoints/step-{failed:08d}" in done.stderr and reason in done.stderr
    assert "Free some space" in done.stderr
    assert answer["whole"] and answer["loaded"] == failed - 1
    assert answer["names"] == [f"step-{step:08d}" for step in (failed - 2, failed - 1)]


@needs_mount
def test_a_full_disk_of_8_mib(tmp_path: Path) -> None:
    done = run(FULL, tmp_path, 4000, mount='mount -t tmpfs -o size=8m none "$folder"')
    check_full(done, tmp_path, "No space left on device")


def test_a_limit_on_the_size_of_files(tmp_path: Path) -> None:
    limit = "resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))\n"
    check_full(run(limit + FULL, tmp_path, 4000), tmp_path, "File too large")


@needs_mount
def test_a_full_disk_leaves_the_journal_whole(tmp_path: Path) -> None:
    done = run(FULL_JOURNAL, tmp_path, mount='mount -t tmpfs -o size=256k none "$folder"')
    answer = told(done)
    assert done.returncode == 1
    assert f"{tmp_path}/journal.jsonl must be writable. Got: No space left on device" in done.stderr
    assert isinstance(answer["count"], int)
    assert answer["read"] == answer["count"] + 10 and answer["cut"] == 0


@needs_mount
@pytest.mark.parametrize("filled", [False, True])
def test_a_read_only_folder_is_refused_before_anything(tmp_path: Path, filled: bool) -> None:
    if filled:
        run("open_run(folder, plan_text='', digest='d')", tmp_path)
        assert (tmp_path / "plan.yaml").exists()
    bind = 'mount --bind "$folder" "$folder" && mount -o remount,ro,bind "$folder"'
    answer = told(run(READ_ONLY, tmp_path, mount=bind))
    said = answer["said"]
    assert isinstance(said, list) and len(said) == 3
    for text in said:
        assert "must be writable. Got: Read-only file system" in text and str(tmp_path) in text
    assert answer["same"]
