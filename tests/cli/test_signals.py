"""SIGTERM and Ctrl-C (FAULTS 13): a checkpoint, 143 or 130, and the same command continues."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

from tunewright.cli.signals import Stop, Stopped, caught
from tunewright.events import Event
from tunewright.training.parallel.lost import Lost

TRAINING = Event(station="train", what="progress")
NOTE = Event(station="baselines", what="note")


def test_outside_training_a_signal_ends_the_work_on_the_spot():
    stop = Stop()
    with pytest.raises(Stopped) as ended:
        stop.receive(signal.SIGTERM)
    assert ended.value.signal == signal.SIGTERM


def test_in_training_a_signal_is_noted_and_ends_the_work_after_it(capfd):
    stop = Stop()
    stop.watch(TRAINING)
    stop.receive(signal.SIGINT)
    assert stop() == signal.SIGINT
    assert "checkpoint" in capfd.readouterr().err
    stop.watch(TRAINING)
    with pytest.raises(Stopped):
        stop.watch(NOTE)


def test_a_second_signal_ends_the_process_at_once(monkeypatch):
    def leave(code):
        raise SystemExit(code)  # the real one does not come back either

    monkeypatch.setattr(os, "_exit", leave)
    monkeypatch.setattr(os, "write", lambda *_: None)
    stop = Stop(training=True)
    stop.receive(signal.SIGINT)
    with pytest.raises(SystemExit) as ended:
        stop.receive(signal.SIGINT)
    assert ended.value.code == 130


def test_a_process_that_does_not_lead_says_nothing(capfd):
    with caught(leads=False) as stop:
        stop.watch(TRAINING)
        stop.receive(signal.SIGTERM)
        assert stop() == signal.SIGTERM
    assert capfd.readouterr() == ("", "")


def test_a_signal_that_another_process_received_ends_this_one_too():
    class Interrupted(BaseException):
        signal = signal.SIGTERM

    with pytest.raises(Stopped) as ended, caught():
        raise Interrupted
    assert ended.value.signal == signal.SIGTERM


def test_a_lost_process_is_told_even_where_a_signal_follows():
    with pytest.raises(Lost), caught() as stop:
        stop.signal = signal.SIGTERM  # the launcher's, which ends what is left
        raise Lost("rank 1 is gone")


def test_handlers_are_given_back():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with caught():
        assert signal.getsignal(signal.SIGTERM) not in before
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_an_error_while_stopping_is_still_an_error():
    with pytest.raises(OSError, match="full"), caught() as stop:
        stop.signal = signal.SIGTERM
        raise OSError("full")


def start(arguments, home):
    environment = os.environ | {"TUNEWRIGHT_HOME": str(home), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "tunewright", *map(str, arguments)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_training(process):
    """Read progress until the loop has spoken; the rest stays for `communicate`."""
    heard = []
    for line in process.stderr:
        heard.append(line)
        if "train loss" in line:
            return
    raise AssertionError("".join(heard))


def test_a_run_is_stopped_and_continued(tiny_model, rows_csv, tmp_path):
    long = ["--set", "training.epochs=100000", "--set", "training.early_stopping=0", "--set", "model.train=full"]
    arguments = ["run", rows_csv, "--target", "label", "--set", f"model.name={tiny_model}", *long]
    arguments += ["--out", tmp_path / "run", "--json"]
    steps = []
    for number, code in ((signal.SIGTERM, 143), (signal.SIGINT, 130)):
        process = start(arguments, tmp_path / "home")
        wait_for_training(process)
        asked = time.monotonic()
        process.send_signal(number)
        out, err = process.communicate(timeout=30)
        assert process.returncode == code
        assert time.monotonic() - asked < 10
        assert json.loads(out)["error"]["type"] == "Interrupted"
        assert "The same command continues" in err
        assert "Traceback" not in err
        newest = max((tmp_path / "run" / "checkpoints").iterdir(), key=lambda path: path.name)
        steps.append(newest.name)
    assert steps[1] > steps[0]  # the second went on from the first's checkpoint
