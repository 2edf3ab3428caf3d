"""The audit's own error rate: plant known faults in copies of the user's data, and see which are found.

Each fault is planted in a copy of its own, or together with others that it cannot hide. What the audit says of the data
as it is, is subtracted; the rest is held against what was planted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np

from tunewright.errors import DataError
from tunewright.plan import Plan
from tunewright.planting import FAULTS, About, Fault, Planted
from tunewright.records import PARTS, Finding
from tunewright.stories.auditing.scorecard import (
    Count,
    Found,
    Scorecard,
    ScorecardLine,
    line_of,
    score,
    scorecard_text,
    size,
    unexplained,
)
from tunewright.stories.prepare import Loaded, Prepared, prepare

if TYPE_CHECKING:
    from tunewright.learning.crossfit import Learned

__all__ = ["Scorecard", "ScorecardLine", "batches", "calibrate", "scorecard_text"]

Audit = Callable[[Loaded], tuple[Finding, ...]]
# Faults of different ones of these may share a copy: none changes what the other's detector looks at.
APART = ("text", "cells", "column")
BETWEEN_PARTS = ("leakage_split", "split_shift")  # kinds that show only where the parts are given, not drawn anew


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ground:
    """The data that faults are planted in, and what the audit says of it as it is."""

    loaded: Loaded
    about: About
    findings: Found


def calibrate(
    loaded: Loaded,
    plan: Plan,
    audit: Audit,
    *,
    rounds: int = 3,
    seed: int = 0,
    faults: Sequence[Fault] = FAULTS,
    learned: Learned | None = None,
) -> Scorecard:
    """Plant every fault in copies of the data and count what the audit makes of them.

    Cost: two audits of the clean data, then per round one of each copy, of which there are fewer than faults.

    Args:
        loaded: the data, as read.
        plan: what the target and the columns are, and the split.
        audit: from data to findings; the same data must give the same findings.
        rounds: how often every fault is planted, in other rows and columns each time.
        seed: of the draws.
        faults: which.
        learned: out-of-fold probabilities, by which flips near the boundary are chosen.

    Raises:
        PlanError, DataError: the data cannot be prepared as it is.
    """
    prepared = prepare(loaded, plan)
    about = _about(prepared, learned)
    findings, counts = audit(loaded), dict[str, Count]()
    given = loaded.parts is not None or plan.splits.part is not None
    whole = Ground(loaded=loaded, about=about if given else replace(about, parts=None), findings=findings)
    grounds = {False: whole} | ({True: whole} if given else {})
    for number in range(rounds):
        for batch in batches(faults, seed=seed + number):
            split = batch[0].kind in BETWEEN_PARTS
            if split not in grounds:
                grounds[split] = _with_parts(loaded, about, audit)
            for name, count in _try(batch, grounds[split], audit, seed=seed + number).items():
                counts.setdefault(name, Count()).add(count)
    return Scorecard(
        rows=loaded.frame.height,
        rounds=rounds,
        seed=seed,
        lines=tuple(line_of(fault, counts[fault.name]) for fault in faults if fault.name in counts),
        absent=tuple(fault.name for fault in faults if fault.name not in counts),
    )


def batches(faults: Sequence[Fault], *, seed: int) -> list[tuple[Fault, ...]]:
    """Groups of faults that share a copy: those of one group touch different things and report different kinds."""
    order = np.random.default_rng(seed).permutation(len(faults)).tolist()
    made: list[list[Fault]] = []
    for fault in (faults[place] for place in order):
        shared = next((batch for batch in made if all(_compatible(fault, other) for other in batch)), None)
        if shared is None:
            made.append([fault])
        else:
            shared.append(fault)
    return [tuple(batch) for batch in made]


def _try(batch: tuple[Fault, ...], ground: Ground, audit: Audit, *, seed: int) -> dict[str, Count]:
    """Plant in a copy, audit it, count."""
    loaded, about = ground.loaded, ground.about
    done: list[tuple[Fault, Planted]] = []
    for fault in batch:
        planted = fault.plant(loaded.frame, about, np.random.default_rng([seed, crc32(fault.name.encode())]))
        if planted is not None:
            done = [(other, _carried(before, planted)) for other, before in done] + [(fault, planted)]
            loaded, about = _planted(loaded, planted), about.after(planted)
    if not done:
        return {}
    try:
        found = audit(loaded)
    except DataError as error:
        note = f"refused: {error}"
        return {fault.name: Count(plantings=1, planted=size(fault, planted), notes={note}) for fault, planted in done}
    alarms = {finding.kind for finding in unexplained([fault for fault, _ in done], ground.findings, found)}
    counts = {
        fault.name: score(fault, planted, target=about.target, clean=ground.findings, found=found)
        for fault, planted in done
    }
    for count in counts.values():
        count.disturbed, count.alarms = int(bool(alarms)), Counter(alarms)
    return counts


def _planted(loaded: Loaded, planted: Planted) -> Loaded:
    parts = None if loaded.parts is None else tuple(loaded.parts[row] for row in planted.origin.tolist())
    return replace(loaded, frame=planted.frame, parts=parts)


def _carried(before: Planted, later: Planted) -> Planted:
    """An earlier planting, in the row numbers of the copy after a later one."""
    rows = later.carry(before.rows)
    return replace(
        before,
        frame=later.frame,
        rows=tuple(rows.tolist()),
        origin=before.origin[later.origin],
        added=np.union1d(later.carry(before.added), later.added).astype(np.int64),
        beside=tuple(later.carry(before.beside).tolist()),
    )


def _compatible(one: Fault, other: Fault) -> bool:
    if one.touches == other.touches or one.touches not in APART or other.touches not in APART:
        return False
    return one.kind not in (other.kind, *other.also) and other.kind not in one.also


def _about(prepared: Prepared, learned: Learned | None) -> About:
    parts = [""] * prepared.typed.height
    for part in PARTS:
        for row in getattr(prepared.split, part):
            parts[row] = part
    rows = np.flatnonzero(np.array(parts) != "")
    about = About.of(prepared.table, rows, parts)
    if learned is None or not learned.labels or prepared.table.task == "multilabel":
        return about
    said = np.full((prepared.typed.height, len(learned.labels)), np.nan)
    said[learned.rows] = learned.probabilities
    return replace(about, labels=learned.labels, probabilities=said)


def _with_parts(loaded: Loaded, about: About, audit: Audit) -> Ground:
    """The data with its split written down, as if the parts had come as files of their own."""
    parted = replace(loaded, parts=tuple(part or "train" for part in about.parts or ()))
    return Ground(loaded=parted, about=about, findings=audit(parted))
