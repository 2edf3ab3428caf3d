"""Killed at any step on the disk or in the database, a change is whole or did not happen, and the champion serves."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tunewright.living import registry as module

SOURCE = Path(module.__file__).parents[2]

# The parent forks child after child, so that the libraries are imported once. Before each of its steps a child counts;
# at the step it was told it kills itself as kill -9 does.
SCRIPT = """
import json, os, shutil, signal, sqlite3, sys
from pathlib import Path
from tunewright.living import tables
from tunewright.living.adding import add_version
from tunewright.living.promoting import promote, rollback
from tunewright.living.registry import Registry, open_registry
from tunewright.runfolder import check_folder, disk
import tunewright.bundle.reading, tunewright.living.copies

root, deed = Path(sys.argv[1]), sys.argv[2]
steps, limit = 0, None

def step(*_):
    global steps
    steps += 1
    if steps == limit:
        os.kill(os.getpid(), signal.SIGKILL)

def counted(function):
    def call(*given, **named):
        step()
        return function(*given, **named)
    return call

def instrument():
    for name in ("create", "fsync", "rename", "fsync_folder", "remove"):
        setattr(disk, name, counted(getattr(disk, name)))
    shutil.copyfile = counted(shutil.copyfile)
    connect = tables._connect
    def traced(*given):
        connection = connect(*given)
        connection.set_trace_callback(step)
        return connection
    tables._connect = traced

def act(registry):
    if deed == "add":
        add_version(registry, "m", root / "new", who="bo")
    elif deed == "first":
        add_version(registry, "n", root / "new", who="bo")
    elif deed == "promote":
        promote(registry, "m", 2, who="bo", why="asked to", check=lambda bundle: None)
    else:
        rollback(registry, "m", who="bo", check=lambda bundle: None)

def state(folder):
    # As the next process finds it: opened, tidied, looked at.
    registry = open_registry(folder)
    told = {name: [(v.version, v.stage, v.digest) for v in registry.versions(name)] for name in registry.names()}
    whole = all(check_folder(registry.bundle(n, v)) == () for n, found in told.items() for v, *_ in found)
    copies = sorted(p.relative_to(folder).as_posix() for p in folder.glob("bundles/*/*"))
    expected = sorted(f"bundles/{n}/{v}" for n, found in told.items() for v, *_ in found)
    champion = registry.champion("m").version if "m" in told else None
    return {"told": told, "whole": whole, "no strangers": copies == expected, "problem": registry.problem(),
            "champion": champion, "lines": [line.what for line in registry.ledger()]}

def run(number):
    global limit
    folder = root / f"case-{number}"
    if (root / "registry").is_dir():
        shutil.copytree(root / "registry", folder)
    child = os.fork()
    if child == 0:
        limit = number
        instrument()
        try:
            act(Registry(folder))
        finally:
            (root / f"steps-{number}").write_text(str(steps))
            os._exit(0)
    killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
    found = state(folder)
    if killed:
        act(Registry(folder))  # whoever tries again succeeds
    after = state(folder)
    shutil.rmtree(folder)
    return {"step": number, "killed": killed, "found": found, "after": after}

whole = run(10**9)
total = int((root / f"steps-{10**9}").read_text())
print(json.dumps({"whole": whole, "cases": [run(number) for number in range(1, total + 1)]}))
"""


def kill_at_every_step(root, deed):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", SCRIPT, root, deed],
        capture_output=True,
        text=True,
        timeout=120,
        env={"PYTHONPATH": str(SOURCE), "PATH": "", "TUNEWRIGHT_HOME": str(root / "home")},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.fixture
def prepared(tmp_path, fake):
    """Two versions, the first of which served before the second did not yet; a bundle to add."""
    from tunewright.living.adding import add_version
    from tunewright.living.promoting import promote
    from tunewright.living.registry import Registry

    registry = Registry(tmp_path / "registry")
    for number in (1, 2):
        add_version(registry, "m", fake(tmp_path / f"made-{number}", weights=str(number).encode()), who="ann")
    promote(registry, "m", 1, who="ann", check=lambda bundle: None)
    fake(tmp_path / "new", weights=b"new")
    return registry


@pytest.mark.parametrize("deed", ["add", "promote", "rollback"])
def test_a_kill_at_any_step_leaves_all_or_nothing(prepared, tmp_path, deed):
    from tunewright.living.promoting import promote

    if deed == "rollback":
        promote(prepared, "m", 2, who="ann", why="asked to", check=lambda bundle: None)
    before = [(one.version, one.stage, one.digest) for one in prepared.versions("m")]
    told = kill_at_every_step(tmp_path, deed)
    done = told["whole"]["found"]["told"]["m"]
    assert done != [list(one) for one in before]
    assert len(told["cases"]) > (20 if deed == "add" else 8)
    outcomes = set()
    for case in told["cases"]:
        found = case["found"]
        assert case["killed"], case["step"]
        assert found["whole"] and found["no strangers"] and found["problem"] is None, case
        assert found["told"]["m"] in (done, [list(one) for one in before]), case
        assert found["champion"] is not None
        outcomes.add(found["told"]["m"] == done)
        assert case["after"]["problem"] is None and case["after"]["no strangers"]
    assert False in outcomes


def test_a_kill_while_the_first_version_is_added_leaves_no_registry_or_a_whole_one(tmp_path, fake):
    fake(tmp_path / "new", weights=b"new")
    told = kill_at_every_step(tmp_path, "first")
    assert len(told["cases"]) > 20
    for case in told["cases"]:
        found = case["found"]
        assert case["killed"] and found["problem"] is None and found["no strangers"], case
        assert [v[0] for v in found["told"].get("n", [])] in ([], [1])
        assert case["after"]["told"]["n"][0][:2] == [1, "candidate"]


FULL = """
import resource, signal, sys
from pathlib import Path
from tunewright.errors import TunewrightError
from tunewright.living.promoting import promote
from tunewright.living.registry import Registry

registry = Registry(Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64))  # no file may grow beyond this
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
try:
    promote(registry, "m", 2, who="bo", why="asked to", check=lambda bundle: None)
except TunewrightError as error:
    print(type(error).__name__, error)
print(registry.champion("m").version)
"""


def test_a_disk_that_takes_no_more_leaves_the_champion_serving(prepared, tmp_path):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", FULL, prepared.folder],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": str(SOURCE), "PATH": ""},
    )
    said, champion = done.stdout.strip().splitlines()
    assert said.startswith("RegistryError") and "Nothing was changed" in said and "registry.sqlite" in said
    assert champion == "1"
    assert [one.stage for one in prepared.versions("m")] == ["champion", "candidate"]
    assert prepared.problem() is None
