"""Discover slices: groups of rows, described in words, in which a model errs more than elsewhere.

Shapes: n rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewright.analysis.conditions import Slicing
from tunewright.analysis.facts import Facts
from tunewright.analysis.proposing import propose
from tunewright.analysis.scanning import JOINED, Scan, by_chance, p_value, ranked

Array = np.ndarray[Any, np.dtype[Any]]
LEVEL = 0.03  # a margin below the 5 % that are promised: the promise is about measured alarms, not expected ones
MOST = 10
MOST_ROWS = 10_000
FEWEST, FEWEST_SHARE = 10, 0.005  # rows of a slice
ALIKE = 0.5  # of Jaccard, from which two slices are one
MOST_CONDITIONS = 3  # of a slice


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Found:
    """A slice.

    Args:
        slicing: which rows, also among other rows than those it was found in.
        mask: (n,) the rows.
        p_value: share of searches among errors dealt at random that find as much.
        excess: errors beyond those of as many other rows.
    """

    slicing: Slicing
    mask: Array
    p_value: float
    excess: float


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Discovery:
    """What a search gave: slices, most excess errors first; how many rows and groups of rows it looked at."""

    found: tuple[Found, ...]
    rows: int
    conditions: int


def discover(facts: Facts, errors: Array, *, units: Array | None = None, seed: int = 0) -> Discovery:
    """Search for slices.

    Conditions are proposed from the rows alone. Each, and the 8 strongest joined with every other, is held against the
    rest. How strong the strongest is by chance is measured by the same search among permuted errors; what at most 3 %
    of these reach is a slice. The rows of a slice are then set aside, so that what only overlaps with it is not told
    again, and the search goes on among the others; a slice that shares half of its rows with one that was found is the
    same one. Of rows that repeat each other one is looked at: their errors are not independent.

    Cost: a n for each of 99 permutations, 16 times that for the conjunctions, with a atoms of which conditions are
    made; at most 10,000 rows drawn at random and some 2,000 atoms.

    Args:
        facts: of n rows.
        errors: (n,) 0 or 1, or any size >= 0.
        units: (n,) rows of one number repeat each other; None: none do.
        seed: of drawing rows, clusters and permutations.
    """
    errors = np.asarray(errors, np.float64)
    rows = _drawn(facts.rows, units, seed)
    if not len(rows) or np.ptp(errors[rows]) == 0:
        return Discovery(found=(), rows=len(rows), conditions=0)
    fewest = max(FEWEST, int(np.ceil(FEWEST_SHARE * len(rows))))
    proposed = propose(facts.take(rows), fewest=fewest, seed=seed)
    if not proposed.conditions:
        return Discovery(found=(), rows=len(rows), conditions=0)
    scan = Scan.of(proposed, errors[rows], fewest=fewest)
    chance = by_chance(scan, seed=seed)
    chosen = _walk(scan, chance)
    found = [
        _measured(Slicing(tuple(proposed.conditions[one] for one in places)), p, facts, errors) for places, p in chosen
    ]
    count = len(proposed.conditions)
    return Discovery(
        found=tuple(sorted((one for one in found if one.excess > 0), key=lambda one: -one.excess)),
        rows=len(rows),
        conditions=count + min(JOINED, count) * (count - 1),
    )


def _walk(scan: Scan, chance: Array) -> list[tuple[tuple[int, ...], float]]:
    """The strongest group, then the strongest of what is left without its rows, while they are beyond chance.

    At last the worst core of each, where one stands out against the rest of its slice: a broad slice must not hide it.
    """
    chosen: list[tuple[tuple[int, ...], float]] = []
    masks: list[Array] = []
    left = np.ones(len(scan.errors), bool)
    while len(chosen) < MOST:
        best = _next(scan, left, masks, chance)
        if best is None:
            break
        places, p = best
        masks.append(_mask(scan, places))
        chosen.append((places, p))
        left &= ~masks[-1]
    for (places, _), outer in list(zip(chosen, masks, strict=True)):
        core = _next(scan, outer, masks, chance) if len(chosen) < MOST else None
        if core is None:
            continue
        inside = _mask(scan, core[0])
        # A core that lies within its slice anyway needs no more words.
        both = core[0] if (inside <= outer).all() else (*places, *core[0])
        if len(both) <= MOST_CONDITIONS:
            masks.append(inside & outer)
            chosen.append((both, core[1]))
    return chosen


def _next(scan: Scan, left: Array, masks: list[Array], chance: Array) -> tuple[tuple[int, ...], float] | None:
    if left.sum() < 2 * scan.fewest:
        return None
    least = float(np.quantile(chance, 1 - LEVEL, method="lower"))
    for one in ranked(scan if left.all() else scan.only(left), least=least):
        p = p_value(one.strength, chance)
        if p > LEVEL:
            return None
        # Alike are slices among all rows, wherever the search stands.
        mask = _mask(scan, one.places)
        if all((mask & other).sum() < ALIKE * (mask | other).sum() for other in masks):
            return one.places, p
    return None


def _mask(scan: Scan, places: tuple[int, ...]) -> Array:
    return np.asarray(np.logical_and.reduce([scan.mask(place) for place in places]))


def _measured(slicing: Slicing, p: float, facts: Facts, errors: Array) -> Found:
    mask = slicing.holds(facts)
    inside, rest = float(errors[mask].mean()), float(errors[~mask].mean())
    return Found(slicing=slicing, mask=mask, p_value=p, excess=(inside - rest) * int(mask.sum()))


def _drawn(n: int, units: Array | None, seed: int) -> Array:
    """Places of the first row of every unit, at most `MOST_ROWS` of them."""
    rows = np.arange(n) if units is None else np.sort(np.unique(units, return_index=True)[1])
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False))
    return rows
