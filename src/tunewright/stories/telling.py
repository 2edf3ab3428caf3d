"""What a run tells whoever looks on from outside: that it was opened, what the audit found, what came of it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from tunewright.events import Event
from tunewright.plan import Plan
from tunewright.records import Finding
from tunewright.runfolder import Entry, RunFolder, read_entries
from tunewright.runfolder.place import Place

FOUND = ("kind", "severity", "columns", "rows_total", "evidence", "remedy")
ENDING = ("verdict", "metric", "metrics", "best", "report", "seconds")


def opened(place: Place, plan: Plan, *, finished: bool = False) -> Event:
    """Which run it is, where its folder is, what memory it may hold, and whether there is nothing left to do."""
    folder = RunFolder(place.path.resolve())
    entries = read_entries(folder.journal)
    # The first two say that the folder was opened and set up; whatever follows was decided on the way.
    data: dict[str, Any] = {"folder": str(folder.path), "name": place.name, "resumed": len(entries) > 2}
    data |= {"id": _identity(entries[0]), "memory_gb": plan.budget.memory_limit, "finished": finished}
    return Event(station="run", what="opened", data=data)


def _identity(first: Entry) -> str:
    """The same in every sitting of a run, and another once it was started over."""
    return hashlib.sha256(f"{first.time} {first.data}".encode()).hexdigest()[:16]


def found(findings: Sequence[Finding]) -> Event:
    """What the audit found, without the rows."""
    told = [{name: getattr(one, name) for name in FOUND} for one in findings]
    return Event(station="audit", what="found", data={"findings": told})


def finished(summary: Mapping[str, Any]) -> Event:
    """What came of a run or a search, in short.

    >>> finished({"metric": "accuracy", "rows": 3}).data
    {'metric': 'accuracy'}
    """
    return Event(station="run", what="finished", data={name: summary[name] for name in ENDING if name in summary})
