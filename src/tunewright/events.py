"""What a run tells while it works: one frozen event, any number of observers.

An observer is a callable taking an `Event`: the progress display, the journal, a tracker. Stages call `observe(event)`
and know none of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened at a station of the road.

    Args:
        station: the stage that speaks ("split", "train", ...).
        what: one word: "started", "done", "progress", "decided", "note"; of a run "opened" (its folder) and how it
            ends, "finished" (its summary), "stopped" or "failed"; of the audit "found" (findings).
        data: plain JSON values; for "progress": done, total (units of work) and anything worth showing.
        text: a sentence for people, without any raw text of the data.
    """

    station: str
    what: str
    text: str = ""
    data: Mapping[str, Any] = field(default_factory=dict)


Observer = Callable[[Event], None]


def silent(event: Event) -> None:
    """Observe nothing; the default where nobody listens."""


def to_all(*observers: Observer) -> Observer:
    """Make one observer that passes each event to several, in order.

    >>> seen = []
    >>> to_all(seen.append, silent)(Event(station="split", what="done"))
    >>> seen[0].station
    'split'
    """

    def observe(event: Event) -> None:
        for observer in observers:
            observer(event)

    return observe
