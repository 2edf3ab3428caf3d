"""Which feature columns give nothing beside the others, from sums that are there already."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tunewright.learning.trial import Arm, Ruler, Sums, part_scores, tolerance

Array = np.ndarray[Any, np.dtype[Any]]
SLACK = 0.2  # of the half point that a remedy may cost
MOST_WORK = 3e11  # multiplications, some ten seconds; beyond, nothing is chosen


def spare_columns(
    arm: Arm, ruler: Ruler, *, penalty: float, sums: Sums, blocks: Mapping[str, slice]
) -> tuple[str, ...]:
    """Choose the columns that can go together without the out-of-fold score falling.

    Each column is left out by itself, then one after the other, the least missed first, as long as the mean score over
    the folds is what it is with all of them, but for a tenth of a point, which is less than folds can tell. A ridge fit
    without some columns follows from the part of the sums that is not theirs: two fits per column and fold, each F³ for
    F features; nothing is summed again.

    Args:
        arm: features, targets and weights of all columns.
        ruler: of the score.
        penalty: of the ridge fits.
        sums: of one repetition, best of one on which nothing else is judged: what was chosen on folds looks better
            on them than it is.
        blocks: features of each column that may go.

    Returns:
        Names in the order of `blocks`; at least one feature is left.
    """
    width = arm.x.shape[1]
    if not blocks or 2 * len(blocks) * len(sums[0].rows) * float(width) ** 3 > MOST_WORK:
        return ()

    def score(without: Sequence[str]) -> float:
        kept = np.ones(width, bool)
        for name in without:
            kept[blocks[name]] = False
        return float(np.mean(part_scores(arm, ruler, penalty, sums, np.flatnonzero(kept)))) if kept.any() else -np.inf

    whole = score(())
    enough = whole - SLACK * tolerance(ruler.metric, np.array([whole]))
    alone = {name: score((name,)) for name in blocks}
    gone: list[str] = []
    for name in sorted(blocks, key=lambda name: -alone[name]):
        if alone[name] >= enough and score((*gone, name)) >= enough:
            gone.append(name)
    return tuple(name for name in blocks if name in gone)
