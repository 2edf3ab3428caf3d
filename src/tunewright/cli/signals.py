"""Ctrl-C and SIGTERM: the first asks the run to stop where it can be continued, the second ends it at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from tunewright.events import Event
from tunewright.training.parallel.lost import Lost

CAUGHT = (signal.SIGINT, signal.SIGTERM)


class Stopped(BaseException):
    """A run was stopped by a signal and can be continued; `signal` is its number."""

    def __init__(self, signal: int) -> None:
        super().__init__("stopped as asked. The same command continues where it stopped.")
        self.signal = signal


@dataclass(slots=True)
class Stop:
    """Whether a signal has arrived, and whether the training loop is at work.

    In the loop a signal is only noted: the loop asks after every update and writes a checkpoint before it leaves.
    Anywhere else there is nothing to save that is not on disk, and the work ends on the spot. Of the processes of one
    run only the first (`leads`) says so.
    """

    signal: int | None = None
    training: bool = False
    leads: bool = True

    def __call__(self) -> int | None:
        """The number of the signal that has arrived, if any: what a run asks."""
        return self.signal

    def watch(self, event: Event) -> None:
        """Hear where the run is; leave between stations once a signal has arrived."""
        self.training = event.station == "train" and event.what == "progress"
        if self.signal is not None and not self.training:
            raise Stopped(self.signal)

    def receive(self, number: int, frame: FrameType | None = None) -> None:
        """Handle a signal."""
        if self.signal is not None:
            if sys.stderr.isatty():
                os.write(2, b"\x1b[?25h\n")  # the progress display hid the cursor
            os._exit(128 + number)
        self.signal = number
        if not self.training:
            raise Stopped(number)
        if not self.leads:
            return
        # Not through sys.stderr: the signal may have come in the middle of one of its writes.
        os.write(2, b"Stopping: saving a checkpoint. Once more ends at once.\n")


@contextmanager
def caught(*, leads: bool = True) -> Iterator[Stop]:
    """Catch SIGINT and SIGTERM while a run works.

    Raises:
        Stopped: a signal arrived and the run has left, after its checkpoint if it was training.
    """
    stop = Stop(leads=leads)
    before: dict[signal.Signals, Any] = {}
    try:
        for number in CAUGHT:
            before[number] = signal.signal(number, stop.receive)
        yield stop
    except (Exception, Lost):
        raise
    except BaseException as problem:
        # The loop leaves through an exception of its own, once the checkpoint is written.
        # Another process of the run may have received the signal, and this one only have heard of it.
        signal_number = stop.signal or getattr(problem, "signal", None)
        if signal_number is not None and not isinstance(problem, Stopped):
            raise Stopped(signal_number) from problem
        raise
    finally:
        for caught_one, handler in before.items():
            signal.signal(caught_one, handler)
