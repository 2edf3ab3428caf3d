"""What a stage is handed beside its records and options: the run it works for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.events import Event, Observer, silent


def _measure_again(name: str, make: Callable[[], Any]) -> Any:
    return make()


def _never() -> int | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunContext:
    """The run a stage works for.

    Args:
        observe: hears events.
        decide: (name, make) to the decision's JSON value: journalled before use and replayed on a resume.
        stop: returns a signal number once one has arrived.
        checkpoints: folder for training state, or None to keep none.
        on: the cluster that trials go to, or None for this machine.
        memory_gb: what the process may hold while it trains, in GB of 1e9 bytes; None: what the machine has.
    """

    observe: Observer = silent
    decide: Callable[[str, Callable[[], Any]], Any] = _measure_again
    stop: Callable[[], int | None] = _never
    checkpoints: Path | None = None
    on: str | None = None
    memory_gb: float | None = None

    def tell(self, station: str, text: str, **data: Any) -> None:
        """Say a sentence to whoever listens."""
        self.observe(Event(station=station, what="note", text=text, data=data))
