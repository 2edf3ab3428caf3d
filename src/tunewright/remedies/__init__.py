"""Remedies: pure transformations of what is learned from. `REMEDIES` is the table of them, in the order of trial."""

from __future__ import annotations

from tunewright.remedies.bench import Bench
from tunewright.remedies.columns import DropLeaks
from tunewright.remedies.drop_rows import DropConflicts, DropDuplicates, DropSuspects
from tunewright.remedies.material import Evidence, Material, Remedy
from tunewright.remedies.recipe import RankNumbers, WeighClasses
from tunewright.remedies.relabel import DownweightSuspects, RelabelSuspects

REMEDIES: tuple[Remedy, ...] = (
    DropLeaks(),
    DropDuplicates(),
    DropConflicts(),
    DropSuspects(),
    RelabelSuspects(),
    DownweightSuspects(),
    WeighClasses(),
    RankNumbers(),
)

__all__ = ["REMEDIES", "Bench", "Evidence", "Material", "Remedy"]
