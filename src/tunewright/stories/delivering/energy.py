"""The energy that a run takes, by the processor's own counters where the system lets them be read.

Linux shows the counters of Intel and AMD processors (RAPL) below /sys/class/powercap, on most machines to the
administrator only. Nothing is guessed where they cannot be read.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tunewright.events import Event
from tunewright.records import Energy

ROOT = Path("/sys/class/powercap")
EVERY = 10.0  # seconds; a counter starts over after minutes to hours, so it is looked at as the run speaks
NONE = "Not measured: this machine has no energy counter that this process may read."


@dataclass(frozen=True, slots=True)
class Counter:
    """A package's counter: its file of microjoules, and where it starts over."""

    file: Path
    span: int

    def read(self) -> int:
        """Microjoules."""
        return int(self.file.read_text("ascii"))


def counters(root: Path = ROOT) -> tuple[Counter, ...]:
    """The counters of whole processor packages that can be read; parts of a package would count twice."""
    found = []
    for folder in sorted(root.glob("intel-rapl:*")):
        if not re.fullmatch(r"intel-rapl:\d+", folder.name):
            continue
        try:
            if (folder / "name").read_text("ascii").startswith("package"):
                counter = Counter(folder / "energy_uj", int((folder / "max_energy_range_uj").read_text("ascii")))
                counter.read()
                found.append(counter)
        except (OSError, ValueError):
            continue
    return tuple(found)


class Meter:
    """Adds up what the counters count; an observer of the run, so that it looks as often as something happens.

    Args:
        root: where the counters are.
        clock: seconds.
    """

    def __init__(self, root: Path = ROOT, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._counters = counters(root)
        self._clock = clock
        self._last = [counter.read() for counter in self._counters]
        self._at = clock()
        self._microjoules = 0
        self._lost = False

    def __call__(self, event: Event) -> None:
        """Look, unless that was just done."""
        if self._counters and self._clock() - self._at >= EVERY:
            self._look()

    def total(self) -> Energy:
        """Everything since the meter was made."""
        self._look()
        if not self._counters or self._lost:
            return Energy(joules=None, text=NONE)
        joules = self._microjoules / 1e6
        return Energy(
            joules=round(joules, 1),
            text=f"{joules / 3600:.3g} Wh by the processor's own counters (RAPL) in the process that finished the run. "
            "Whatever else the processor did meanwhile is in it, a GPU is not.",
        )

    def _look(self) -> None:
        self._at = self._clock()
        try:
            now = [counter.read() for counter in self._counters]
        except (OSError, ValueError):
            self._lost = True
            return
        for counter, new, old in zip(self._counters, now, self._last, strict=True):
            self._microjoules += new - old if new >= old else new + counter.span - old
        self._last = now
