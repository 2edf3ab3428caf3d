"""Remedies: pure transformations of what is learned from. `REMEDIES` is the table of them, in the order of trial.

`REPAIRS` names what reading and preparing put right without a trial, since it changes no meaning. Every remedy that a
finding names is in one of the two.
"""

from __future__ import annotations

from tunewright.remedies.augment import DropTokens, MixRows, SwapWords
from tunewright.remedies.balance import AdjustLogits, ResampleClasses, WeighClasses
from tunewright.remedies.bench import Bench
from tunewright.remedies.columns import DropLeaks, SelectColumns
from tunewright.remedies.decode_missing import DecodeMissing
from tunewright.remedies.drop_rows import DropConflicts, DropDuplicates, DropShifted, DropSuspects
from tunewright.remedies.material import Evidence, Material, Remedy
from tunewright.remedies.recipe import RankNumbers
from tunewright.remedies.relabel import DownweightSuspects, RelabelSuspects
from tunewright.remedies.relabel_slips import RelabelSlips
from tunewright.remedies.repairs import REPAIRS, list_repairs

REMEDIES: tuple[Remedy, ...] = (
    DropLeaks(),
    DropDuplicates(),
    DropConflicts(),
    DropShifted(),
    DropSuspects(),
    RelabelSuspects(),
    DownweightSuspects(),
    RelabelSlips(),
    WeighClasses(),
    ResampleClasses(),
    AdjustLogits(),
    DropTokens(),
    SwapWords(),
    MixRows(),
    DecodeMissing(),
    RankNumbers(),
    SelectColumns(),
)

__all__ = ["REMEDIES", "REPAIRS", "Bench", "Evidence", "Material", "Remedy", "list_repairs"]
