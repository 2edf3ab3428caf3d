"""What a tracker is: something that opens a log for a run; what it is handed, and what it hands back."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import ClassVar, Literal, NamedTuple, Protocol

from tunewright.errors import MissingExtra, PlanError

Value = str | int | float | bool
Status = Literal["finished", "failed", "stopped"]
EXPERIMENT = "tunewright"


class Measure(NamedTuple):
    """A number: its name, such as `validation/loss`, its value, and the update (or trial) it belongs to."""

    name: str
    value: float
    step: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """The run that a log is opened for.

    Args:
        id: the same in every sitting of the run, another once it was started over.
        name: of its folder.
        folder: where it lies.
        parameters: the plan, `section.key` to value.
    """

    id: str
    name: str
    folder: Path
    parameters: Mapping[str, Value]

    @property
    def report(self) -> str:
        """Where its report will be."""
        return str(self.folder / "report.html")


class Log(Protocol):
    """An open log."""

    def measured(self, measures: Sequence[Measure]) -> None:
        """Log numbers."""

    def close(self, status: Status, scores: Mapping[str, float]) -> None:
        """Log the final scores, as far as there are any, and how the sitting ended."""


class Tracker(Protocol):
    """Opens logs; made once the package it writes with is known to be there.

    Every tracker is a frozen dataclass. What it writes stays on this machine: no server is asked, none is started.
    """

    kind: ClassVar[str]
    package: ClassVar[str]
    remote: ClassVar[tuple[str, ...]]

    def begin(self, run: Opening) -> Log:
        """Open the log of a run, or go on with the one that an earlier sitting of it opened."""


def check(tracker: Tracker) -> None:
    """Find out before anything is computed whether a tracker can work, and that it would not leave this machine.

    Raises:
        MissingExtra: its package is not installed.
        PlanError: the environment sends it to a server.
    """
    if find_spec(tracker.package) is None:
        raise MissingExtra(
            f"--track {tracker.kind} needs the package {tracker.package}. It is not installed. "
            f"Install it: pip install 'tunewright[{tracker.kind}]'"
        )
    for name in tracker.remote:
        value = os.environ.get(name, "")
        if value and not _is_local(value):
            raise PlanError(
                f"A tracker writes to this machine's disk only. {name} names another place. Unset it, "
                "and send what was logged there yourself once you have seen it."
            )


def _is_local(place: str) -> bool:
    """Whether an address is a file of this machine.

    >>> _is_local("sqlite:///mlflow.db"), _is_local("https://tracking.example")
    (True, False)
    """
    return place.startswith("sqlite:///")
