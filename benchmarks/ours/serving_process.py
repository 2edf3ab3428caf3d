"""A server of whoever's making in processes of its own: started, waited for, weighed and ended."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager, suppress

import psutil

PATIENCE = 15.0  # seconds to end in when asked to


class NotStarted(Exception):
    """A server that does not answer; holds the last line that it said."""


def free_port():
    """A port that nobody listens at."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def running(command, environment, *, answers, seconds):
    """The server's process, once it answers; all of its processes are ended afterwards.

    Args:
        command: its words.
        environment: its variables.
        answers: whether it answers by now.
        seconds: it may take to start.

    Raises:
        NotStarted: it ended, or took longer.
    """
    with tempfile.TemporaryFile("w+") as said:
        process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=said, env=environment, start_new_session=True
        )
        try:
            _wait(process, said, answers, seconds)
            yield process
        finally:
            _end(process)


def resident_mb(process):
    """Megabytes of memory that a process and its children hold now; pages that two share count twice."""
    total = 0
    for one in (psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)):
        with suppress(psutil.NoSuchProcess):  # it has just ended
            total += one.memory_info().rss
    return total / 1e6


def _wait(process, said, answers, seconds):
    end = time.monotonic() + seconds
    while not answers():
        if process.poll() is not None:
            raise NotStarted(f"it ended with {process.returncode}: {_last_line(said)}")
        if time.monotonic() > end:
            raise NotStarted(f"it did not answer within {seconds:g} s: {_last_line(said)}")
        time.sleep(0.25)


def _last_line(said):
    said.seek(0)
    lines = [line.strip() for line in said if line.strip()]
    return lines[-1] if lines else "it said nothing"


def _end(process):
    """Ask the session that was started, wait for its first process, and end what is left of it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(PATIENCE)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
