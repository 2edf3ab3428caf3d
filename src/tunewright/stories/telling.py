"""What a run tells whoever looks on from outside: that it was opened, what the audit found, what came of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tunewright.events import Event
from tunewright.plan import Plan
from tunewright.records import Finding
from tunewright.runfolder.place import Place

FOUND = ("kind", "severity", "columns", "rows_total", "evidence", "remedy")
ENDING = ("verdict", "metric", "metrics", "best", "report", "seconds")


def opened(place: Place, plan: Plan, *, finished: bool = False) -> Event:
    """Where the folder is, what memory the run may hold, and whether there is nothing left to do."""
    data = {"folder": str(place.path.resolve()), "name": place.name, "memory_gb": plan.budget.memory_limit}
    return Event(station="run", what="opened", data={**data, "finished": finished})


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
