"""Asking whoever works in a run folder to stop: the process that holds it, once it is sure, and no other."""

import json
import os
import signal
import subprocess
import sys

import pytest

from tunewright.errors import RunError
from tunewright.runfolder.lock import NAME, RunLock, holder_of
from tunewright.runfolder.stopping import ask_to_stop

WORK = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
from tunewright.runfolder.lock import RunLock
with RunLock(sys.argv[1]):
    try:
        print("held", flush=True)
        time.sleep(60)
    except KeyboardInterrupt:
        sys.exit(130)
"""


@pytest.fixture
def worker(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", WORK, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.communicate()


def test_who_holds_a_folder_is_seen_without_touching_it(worker, tmp_path):
    before = (tmp_path / NAME).read_bytes()
    holder = holder_of(tmp_path)
    assert holder.pid == worker.pid and holder.host and holder.started
    assert (tmp_path / NAME).read_bytes() == before
    assert holder_of(tmp_path / "elsewhere") is None


def test_nobody_holds_what_was_left(tmp_path):
    with RunLock(tmp_path):
        assert holder_of(tmp_path).pid == os.getpid()
    assert holder_of(tmp_path) is None
    with RunLock(tmp_path):  # looking at it has locked nothing
        pass


def test_the_holder_gets_the_signal_of_ctrl_c(worker, tmp_path):
    assert ask_to_stop(tmp_path).pid == worker.pid
    assert worker.wait(10) == 130


def test_a_folder_at_rest_has_nobody_to_ask(tmp_path):
    with pytest.raises(RunError, match="Only a run that is working"):
        ask_to_stop(tmp_path)


def test_a_lock_that_names_a_bystander_harms_nobody(tmp_path):
    bystander = subprocess.Popen(["sleep", "60"])
    try:
        with RunLock(tmp_path):
            told = json.loads((tmp_path / NAME).read_text())
            (tmp_path / NAME).write_text(json.dumps(told | {"pid": bystander.pid}))
            with pytest.raises(RunError, match="does not have it open"):
                ask_to_stop(tmp_path)
            (tmp_path / NAME).write_text(json.dumps(told | {"host": "another-machine"}))
            with pytest.raises(RunError, match="on its own machine"):
                ask_to_stop(tmp_path)
            (tmp_path / NAME).write_text("not JSON")
            with pytest.raises(RunError, match="has not said who it is"):
                ask_to_stop(tmp_path)
        assert bystander.poll() is None
    finally:
        bystander.send_signal(signal.SIGKILL)
        bystander.wait()
