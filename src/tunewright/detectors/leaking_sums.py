"""Columns that give the target when they are added, subtracted, multiplied or divided."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import polars as pl

from tunewright.detectors.goals import Floats, Goal
from tunewright.detectors.rows import Rows
from tunewright.records import Finding

MOST_ROWS, MOST_COLUMNS = 3000, 40
FEWEST = 50  # rows in which all parts are known
ROUNDING = 1e-3  # of the target's spread: closer is exact
EXACT = 0.97  # of the rows
WEIGHT = 0.02  # of the target's spread that a part must contribute
ALIKE = 0.9  # rank correlation below which a product is not looked at closely
MOST_FORMULAS = 4
STARTS = 8  # pairs that a third column is added to


@dataclass(frozen=True, slots=True, kw_only=True)
class Formula:
    """A way to compute the target: `text` names the columns, `share` of the rows it holds in."""

    columns: tuple[str, ...]
    text: str
    share: float


def leaking_sums(rows: Rows, goal: Goal) -> Iterator[Finding]:
    """Report formulas of one, two or three number columns that give the target, the simplest first, no column twice.

    Linear combinations are fitted by least squares and refitted without the worst tenth of the rows, so that a few
    wrong cells do not hide a sum. O(p²) fits on 3,000 rows for the p ≤ 40 columns that go along with the target best.
    """
    if not goal.regression:
        return
    names = [c.name for c in rows.table.columns if c.role == "feature" and c.kind == "number"]
    chosen = goal.rows
    if len(chosen) > MOST_ROWS:
        chosen = np.sort(np.random.default_rng(rows.seed).permutation(chosen)[:MOST_ROWS])
    target = goal.numbers[np.isin(goal.rows, chosen)]
    numbers = {name: rows.typed[name][chosen].cast(pl.Float64).fill_null(float("nan")).to_numpy() for name in names}
    for _ in range(MOST_FORMULAS):
        found = formula(numbers, target)
        if found is None:
            return
        yield Finding(
            kind="leakage_target",
            severity="error",
            evidence=f"{rows.table.target!r} is {found.text} in {found.share:.1%} of the rows. "
            "A model would learn the formula, and needs its parts before the answer is known.",
            columns=found.columns,
            score=round(found.share, 4),
            remedy="drop_columns",
        )
        numbers = {name: values for name, values in numbers.items() if name not in found.columns}


def formula(numbers: dict[str, Floats], target: Floats) -> Formula | None:
    """The simplest formula that holds, fewest columns first.

    Args:
        numbers: by name, (m,) with NaN where unknown.
        target: (m,).

    >>> rng = np.random.default_rng(0)
    >>> a, b, c = rng.integers(0, 99, (3, 200)).astype(float)
    >>> formula({"a": a, "b": b, "c": c}, a + c).text
    "the sum of 'a' and 'c'"
    """
    spread = _spread(target)
    if spread == 0:
        return None
    used = _related({k: v for k, v in numbers.items() if np.isfinite(v).sum() >= FEWEST and _spread(v) > 0}, target)
    for name in used:
        if (one := _linear((name,), numbers, target, spread)) is not None:
            return one
    explained: list[tuple[float, tuple[str, str]]] = []
    for pair in combinations(used, 2):
        found = _linear(pair, numbers, target, spread) or _product(pair, numbers, target, spread)
        if found is not None:
            return found
        explained.append((_left(pair, numbers, target), pair))
    tried = set[tuple[str, ...]]()
    for _, pair in sorted(explained)[:STARTS]:
        for third in used:
            three = tuple(name for name in used if name in (*pair, third))
            if len(three) == 3 and three not in tried:
                tried.add(three)
                if (found := _linear(three, numbers, target, spread)) is not None:
                    return found
    return None


def _related(numbers: dict[str, Floats], target: Floats) -> list[str]:
    """The columns that go along with the target best, in the order of the table."""
    score = {}
    for name, values in numbers.items():
        known = np.isfinite(values)
        score[name] = abs(_rank_correlation(values[known], target[known]))
    best = sorted(score, key=lambda name: -score[name])[:MOST_COLUMNS]
    return [name for name in numbers if name in best]


def _linear(names: tuple[str, ...], numbers: dict[str, Floats], target: Floats, spread: float) -> Formula | None:
    parts, y = _known(names, numbers, target)
    if len(y) < FEWEST:
        return None
    weights, share = _fit(parts, y, spread)
    if share < EXACT or any(
        abs(w) * _spread(part) < WEIGHT * spread for w, part in zip(weights, parts.T, strict=False)
    ):
        return None
    return Formula(columns=names, text=_told(names, weights), share=share)


def _product(names: tuple[str, ...], numbers: dict[str, Floats], target: Floats, spread: float) -> Formula | None:
    parts, y = _known(names, numbers, target)
    if len(y) < FEWEST:
        return None
    first, second = parts.T
    with np.errstate(all="ignore"):
        ways = [(first * second, "the product of {} and {}"), (first / second, "{} divided by {}")]
        ways.append((second / first, "{1} divided by {0}"))
    for values, text in ways:
        finite = np.isfinite(values)
        if finite.sum() < max(FEWEST, EXACT * len(y)) or np.ptp(values[finite]) == 0:
            continue
        if abs(_rank_correlation(values[finite][:500], y[finite][:500])) < ALIKE:
            continue
        weights, share = _fit(values[finite, None], y[finite], spread)
        if share >= EXACT and abs(weights[0]) * _spread(values[finite]) >= WEIGHT * spread:
            scaled = "" if np.allclose(weights, (1, 0), atol=1e-3) else ", scaled"
            return Formula(columns=names, text=text.format(*map(repr, names)) + scaled, share=share)
    return None


def _known(names: tuple[str, ...], numbers: dict[str, Floats], target: Floats) -> tuple[Floats, Floats]:
    parts = np.stack([numbers[name] for name in names], 1)
    known = np.isfinite(parts).all(1)
    return parts[known], target[known]


def _fit(parts: Floats, y: Floats, spread: float) -> tuple[Floats, float]:
    """Weights and constant, and the share of rows that they give the target of up to rounding."""
    scale = np.append(np.maximum(np.abs(parts).max(0), 1e-300), 1.0)
    design = np.column_stack([parts, np.ones(len(y))]) / scale
    low, high = np.quantile(parts, [0.01, 0.99], axis=0)
    kept = ((parts >= low) & (parts <= high)).all(1)  # a wrong cell far outside would pull the first fit to itself
    for _ in range(4):
        weights = np.linalg.lstsq(design[kept], y[kept], rcond=None)[0]
        off = np.abs(y - design @ weights)
        kept = off <= np.quantile(off, 0.9)
    return weights / scale, float((off <= ROUNDING * spread).mean())


def _left(names: tuple[str, ...], numbers: dict[str, Floats], target: Floats) -> float:
    """Share of the variance that a linear combination leaves."""
    parts, y = _known(names, numbers, target)
    if len(y) < FEWEST or not y.var():
        return 1.0
    design = np.column_stack([parts, np.ones(len(y))])
    return float((y - design @ np.linalg.lstsq(design, y, rcond=None)[0]).var() / y.var())


def _told(names: tuple[str, ...], weights: Floats) -> str:
    quoted = [repr(name) for name in names]
    plain = np.allclose(weights[-1], 0, atol=1e-6 * max(np.abs(weights).max(), 1))
    if len(names) == 1:
        return f"a scaled copy of {quoted[0]}"
    ones = np.allclose(np.abs(weights[:-1]), 1, atol=2e-3)
    if ones and plain and (weights[:-1] > 0).all():
        return f"the sum of {', '.join(quoted[:-1])} and {quoted[-1]}"
    if ones and plain and len(names) == 2:
        more, less = quoted if weights[0] > 0 else quoted[::-1]
        return f"the difference of {more} and {less}"
    terms = [f"{weight:.4g} times {name}" for weight, name in zip(weights, quoted, strict=False)]
    return " plus ".join(terms) + ("" if plain else f" plus {weights[-1]:.4g}")


def _rank_correlation(a: Floats, b: Floats) -> float:
    return float(np.corrcoef(a.argsort().argsort(), b.argsort().argsort())[0, 1])


def _spread(values: Floats) -> float:
    known = values[np.isfinite(values)]
    if not len(known):
        return 0.0
    low, high = np.quantile(known, [0.16, 0.84])
    return float((high - low) / 2 or known.std())
