"""Columns that are empty exactly where the target says so."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tunewright.detectors.goals import SMALLEST, Bools, Goal
from tunewright.detectors.rows import Ints, Rows
from tunewright.records import Finding

APART, CLEAR = 0.7, 0.9  # share of empty cells in one group less that in all others; from the second on it is enough
PURE, LESS = 0.7, 0.4  # of the empty (or the filled) cells that are in the group, otherwise; less is enough where
WHOLE = 0.95  # of the group's cells are alike


def leaking_gaps(rows: Rows, goal: Goal) -> Iterator[Finding]:
    """Report each feature column whose empty cells tell one class, label or end of the target from all others."""
    for column in rows.table.columns:
        if column.role != "feature":
            continue
        empty = rows.typed[column.name][goal.rows].is_null().to_numpy()
        if not SMALLEST <= empty.sum() <= len(empty) - SMALLEST:
            continue
        name, inside, outside, pure = _number_gap(empty, goal) if goal.regression else _class_gap(empty, goal)
        apart = abs(inside - outside)
        whole = max(inside, 1 - inside) >= WHOLE
        if apart >= CLEAR or (apart >= APART and pure >= (LESS if whole else PURE)):
            yield Finding(
                kind="leakage_target",
                severity="error",
                evidence=f"Whether {column.name!r} is empty gives the target away: it is empty in {inside:.1%} of "
                f"the rows {name} and in {outside:.1%} of the others. Was it filled in after the answer?",
                columns=(column.name,),
                score=round(apart, 4),
                remedy="drop_columns",
            )


def _class_gap(empty: Bools, goal: Goal) -> tuple[str, float, float, float]:
    """The class, label or set of labels that empty cells tell from the others best.

    Returns:
        Its name, the share of empty cells inside and outside of it, its share of the empty (or filled) cells.
    """
    if not goal.labels.size:
        return _gap(
            empty, np.bincount(goal.codes[empty], minlength=len(goal.names)), np.bincount(goal.codes), goal.names
        )
    label = _gap(empty, goal.labels[empty].sum(0), goal.labels.sum(0), goal.names)
    alone = _gap(empty, np.bincount(goal.codes[empty], minlength=len(goal.sets)), np.bincount(goal.codes), goal.sets)
    return max(label, alone, key=lambda one: abs(one[1] - one[2]))


def _gap(empty: Bools, inside: Ints, size: Ints, names: tuple[str, ...]) -> tuple[str, float, float, float]:
    """The same of groups by their sizes (K,) and how many of each one's cells are empty (K,)."""
    rest = len(empty) - size
    share, other = inside / np.maximum(size, 1), (empty.sum() - inside) / np.maximum(rest, 1)
    apart = np.where((size >= SMALLEST) & (rest >= SMALLEST), np.abs(share - other), 0.0)
    best = int(apart.argmax())
    if not apart[best]:
        return "", 0.0, 0.0, 0.0
    pure = _pure(share[best], other[best], size[best] / len(empty))
    return f"of {names[best][:40]!r}", float(share[best]), float(other[best]), pure


def _number_gap(empty: Bools, goal: Goal) -> tuple[str, float, float, float]:
    """The threshold of the target that parts empty from filled cells best, with a tenth of the rows on either side."""
    order = np.argsort(goal.numbers, kind="stable")
    numbers, gone = goal.numbers[order], np.cumsum(empty[order])
    upto = np.arange(1, len(numbers) + 1)
    below = gone / upto
    above = (gone[-1] - gone) / np.maximum(len(numbers) - upto, 1)
    change = np.append(np.diff(numbers) > 0, False)
    fair = change & (upto >= len(numbers) / 10) & (upto <= len(numbers) * 0.9)
    best = int(np.where(fair, np.abs(above - below), 0.0).argmax())
    if not fair[best]:
        return "", 0.0, 0.0, 0.0
    part = 1 - upto[best] / len(numbers)
    return (
        f"whose target is above {numbers[best]:,.6g}",
        above[best],
        below[best],
        _pure(above[best], below[best], part),
    )


def _pure(inside: float, outside: float, part: float) -> float:
    """Share of the sign's cells that are in a group which holds that part of the rows; the sign is what is commoner."""
    if inside < outside:
        inside, outside = 1 - inside, 1 - outside
    return float(inside * part / (inside * part + outside * (1 - part)))
