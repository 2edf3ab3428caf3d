"""Remedies: pure transformations of what is learned from. `REMEDIES` is the table of them, in the order of trial.

`REPAIRS` names what reading and preparing put right without a trial, since it changes no meaning. A name in both acts
where it is sure when reading, and is tried where it is likely.
"""

from __future__ import annotations

from tunewright.remedies.balance import AdjustLogits, ResampleClasses, WeighClasses
from tunewright.remedies.bench import Bench
from tunewright.remedies.columns import DropLeaks, SelectColumns
from tunewright.remedies.decode_missing import DecodeMissing
from tunewright.remedies.drop_rows import DropConflicts, DropDuplicates, DropShifted, DropSuspects
from tunewright.remedies.material import Evidence, Material, Remedy
from tunewright.remedies.recipe import RankNumbers
from tunewright.remedies.relabel import DownweightSuspects, RelabelSuspects
from tunewright.remedies.repairs import REPAIRS, list_repairs
from tunewright.remedies.spell_labels import SpellLabels

REMEDIES: tuple[Remedy, ...] = (
    DropLeaks(),
    DropDuplicates(),
    DropConflicts(),
    DropShifted(),
    DropSuspects(),
    RelabelSuspects(),
    DownweightSuspects(),
    SpellLabels(),
    WeighClasses(),
    ResampleClasses(),
    AdjustLogits(),
    DecodeMissing(),
    RankNumbers(),
    SelectColumns(),
)

__all__ = ["REMEDIES", "REPAIRS", "Bench", "Evidence", "Material", "Remedy", "list_repairs"]
