"""Columns that alone foretell the target too well to have been known before it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from tunewright.detectors.foretold import binned, class_errors, explained, neighbour_errors
from tunewright.detectors.goals import Floats, Goal
from tunewright.detectors.rows import Ints, Rows
from tunewright.records import Finding
from tunewright.stats import wilson

MISTAKES = 20  # that guessing without the column makes; fewer show nothing
CODED = 0.9  # of the mistakes that a code must spare: it stands for the answer, slips aside
MEASURED = 0.98  # that a measured quantity must spare; a good one may spare nine in ten
AHEAD = 3.0  # times fewer mistakes than any other column makes, where a measured quantity spares only CODED
VARIANCE = 0.99  # of a number's variance
BINS, PER_BIN = 200, 20


def leaking_columns(rows: Rows, goal: Goal) -> Iterator[Finding]:
    """Report each feature column that does."""
    names = [c.name for c in rows.table.columns if c.role == "feature" and c.kind not in ("text", "multilabel")]
    if goal.regression:
        for name in names:
            share = _variance(rows.typed[name][goal.rows], goal)
            if share >= VARIANCE:
                said = f"{name!r} alone explains {share:.2%} of the variance of {rows.table.target!r} in held-out rows"
                yield _finding(name, said, share)
        return
    spared: dict[str, tuple[float, float, int, bool]] = {}
    for name in names:
        values = rows.typed[name][goal.rows]
        wrong, without, coded = _mistakes(values, goal, rows.seed)
        if without >= MISTAKES:
            spared[name] = 1 - wrong / without, 1 - wilson(min(wrong, without), without).high, wrong, coded
    for name, (share, surely, wrong, coded) in spared.items():
        others = min((one[2] for other, one in spared.items() if other != name), default=len(goal.rows))
        ahead = wrong * AHEAD <= others
        if surely >= CODED - 0.1 and share >= (CODED if coded or ahead else MEASURED):
            right = 1 - wrong / len(goal.rows)
            usual = np.bincount(goal.codes).max() / len(goal.codes)
            said = (
                f"{name!r} alone names {rows.table.target!r} in {right:.1%} of held-out rows, where the most frequent "
            )
            yield _finding(name, f"{said}label is right in {usual:.1%}", share)


def _finding(name: str, said: str, score: float) -> Finding:
    return Finding(
        kind="leakage_target",
        severity="error",
        evidence=f"{said}. If it is filled in after the answer is known, a model will not have it when asked: "
        "leave it out.",
        columns=(name,),
        score=round(score, 4),
        remedy="drop_columns",
    )


def _mistakes(values: pl.Series, goal: Goal, seed: int) -> tuple[int, int, bool]:
    """Mistakes with the column, mistakes without, and whether it is a code rather than a measured quantity."""
    codes = _codes(values)
    classes = len(np.unique(goal.codes))
    if not (values.dtype.is_numeric() or values.dtype.is_temporal()):
        wrong, without = class_errors(codes, goal.codes, goal.folds)
        return wrong, without, True
    numbers = _numbers(values)
    if len(np.unique(codes)) <= max(2 * classes, classes + 2):
        wrong, without = class_errors(codes, goal.codes, goal.folds)
        return wrong, without, True
    wrong, without = class_errors(binned(numbers, bins=_bins(len(numbers))), goal.codes, goal.folds)
    known = np.isfinite(numbers)
    if known.mean() >= 0.9:
        # A neighbour's own slip counts as well, so this is the higher one unless classes are many and bins are wide.
        wrong = min(wrong, round(neighbour_errors(numbers[known], goal.codes[known], seed) / known.mean()))
    return wrong, without, False


def _variance(values: pl.Series, goal: Goal) -> float:
    """The better of two views: of the ranks of the target, and of its values without the outermost 1 %."""
    if values.dtype.is_numeric() or values.dtype.is_temporal():
        few = values.n_unique() <= _bins(len(values))
        codes = _codes(values) if few else binned(_numbers(values), bins=_bins(len(values)))
    else:
        codes = _codes(values)
    ranks = np.searchsorted(np.sort(goal.numbers), goal.numbers, side="left") / len(goal.numbers)
    low, high = np.quantile(goal.numbers, [0.005, 0.995])
    views = [ranks, np.clip(goal.numbers, low, high)]
    return max(explained(codes, view, goal.folds) for view in views)


def _codes(values: pl.Series) -> Ints:
    return values.rank("dense").fill_null(0).cast(pl.Int64).to_numpy()


def _numbers(values: pl.Series) -> Floats:
    plain = values.to_physical() if values.dtype.is_temporal() else values
    return plain.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _bins(rows: int) -> int:
    return int(np.clip(rows // PER_BIN, 4, BINS))
