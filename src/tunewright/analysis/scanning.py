"""Hold every condition, and conjunctions of two, against the rest of the rows; and against chance.

Shapes: n rows, a atoms, m conditions, b permutations, q conditions that are joined with all others.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tunewright.analysis.proposing import Proposed

Array = np.ndarray[Any, np.dtype[Any]]
JOINED = 8  # conditions that are joined with every other one
MARGIN = 8.0  # by which a conjunction must beat what it is made of
PERMUTATIONS = 99
NARROWER = 0.9  # a conjunction must have less than this share of the rows of either part
ALIKE = 0.5  # of Jaccard, from which two ranges of one number are the same for joining
LOOKED = 400  # of the strongest conditions are looked at for those to join
TINY = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scan:
    """Rows, errors and conditions; a condition holds where one of the atoms `start` to `stop` does.

    Args:
        atoms: (a, n) float32 of 0 and 1; those of one condition exclude each other.
        start: (m,) first atom.
        stop: (m,) atom after the last.
        groups: (m,) conditions of one number are not joined; −1 joins with all.
        errors: (n,) float32: 0 or 1, or any sizes.
        binary: whether they are 0 or 1.
        fewest: rows of a group.
    """

    atoms: Array
    start: Array
    stop: Array
    groups: Array
    errors: Array
    binary: bool
    fewest: int

    @classmethod
    def of(cls, proposed: Proposed, errors: Array, *, fewest: int) -> Scan:
        """Errors of 0 and 1 as they are; others by their rank, so that a few huge ones do not decide."""
        binary = bool(np.isin(errors, (0.0, 1.0)).all())
        return cls(
            atoms=proposed.atoms.astype(np.float32),
            start=proposed.start,
            stop=proposed.stop,
            groups=proposed.groups,
            errors=(errors if binary else _ranks(errors)).astype(np.float32),
            binary=binary,
            fewest=fewest,
        )

    def only(self, rows: Array) -> Scan:
        """The same of some rows, by mask."""
        return replace(self, atoms=np.ascontiguousarray(self.atoms[:, rows]), errors=self.errors[rows])

    def mask(self, place: int) -> Array:
        """(n,) bool: the rows of a condition."""
        return np.asarray(self.atoms[self.start[place] : self.stop[place]].any(0))

    def sums(self, values: Array) -> Array:
        """(m, b) sums over the rows of each condition of (n, b) values; cost a n b, and b for each condition."""
        totals = np.zeros((len(self.atoms) + 1, values.shape[1]))
        np.cumsum(self.atoms @ values, axis=0, dtype=np.float64, out=totals[1:])
        return np.asarray(totals[self.stop] - totals[self.start])

    def strengths(self, sizes: Array, sums: Array) -> Array:
        """How far groups of these sizes and sums of errors lie above the rest: 0 where they do not, else about χ²(1).

        For errors of 0 and 1 twice the log likelihood ratio of two rates against one, which stays honest for small
        groups and rare errors; else the squared z of a mean in drawing without replacement.
        """
        n, total = len(self.errors), float(self.errors.sum())
        inside, outside = np.maximum(sizes, 1.0), np.maximum(n - sizes, 1.0)
        usable = (sizes >= self.fewest) & (sizes <= n - self.fewest) & (sums * outside > (total - sums) * inside)
        found = np.zeros(np.broadcast(sizes, sums).shape)
        k, s = np.broadcast_to(inside, found.shape)[usable], np.broadcast_to(sums, found.shape)[usable]
        if self.binary:
            found[usable] = 2 * (_fit(s, k) + _fit(total - s, n - k) - _fit(np.array(total), np.array(float(n))))
        else:
            spread = float(self.errors.var()) * n / max(n - 1, 1)
            found[usable] = (s / k - total / n) ** 2 / np.maximum(spread / k * (1 - k / n), TINY)
        return found

    def joined(self, strengths: Array) -> Array:
        """Places of the strongest conditions, no two ranges alike."""
        chosen: list[int] = []
        for place in np.argsort(-strengths, kind="stable")[:LOOKED]:
            if strengths[place] <= 0 or len(chosen) == JOINED:
                break
            if not any(self._alike(place, other) for other in chosen):
                chosen.append(int(place))
        return np.array(chosen, np.int64)

    def _alike(self, one: int, other: int) -> bool:
        """Whether two ranges of one number share most of their bins."""
        start, stop = max(self.start[one], self.start[other]), min(self.stop[one], self.stop[other])
        first, last = min(self.start[one], self.start[other]), max(self.stop[one], self.stop[other])
        return bool(stop - start >= ALIKE * (last - first))

    def conjunctions(self, places: Array, errors: Array, strengths: Array, sizes: Array) -> Array:
        """(m, q) strengths of every condition joined with some, less `MARGIN`; 0 where that is no gain over both.

        Args:
            places: (q,) of the conditions to join.
            errors: (n,) of the rows.
            strengths: (m,) of the conditions.
            sizes: (m,) of the conditions.
        """
        within = np.stack([self.mask(place) for place in places], axis=1).astype(np.float32)
        both = self.sums(np.concatenate([within, within * errors[:, None]], axis=1))
        joint, sums = both[:, : len(places)], both[:, len(places) :]
        group = self.groups[places]
        apart = (self.groups[:, None] != group[None, :]) | (group[None, :] < 0)
        narrow = joint <= NARROWER * np.minimum(sizes[:, None], sizes[places][None, :])
        found = self.strengths(np.where(apart & narrow, joint, 0.0), sums) - MARGIN
        return np.where(found > np.maximum(strengths[:, None], strengths[places][None, :]), found, 0.0)


@dataclass(frozen=True, slots=True)
class Best:
    """A group that a scan found: places of one or two conditions, and how far it lies above the rest."""

    places: tuple[int, ...]
    strength: float


def ranked(scan: Scan, *, least: float = 0.0) -> list[Best]:
    """The groups above a strength, the strongest first."""
    ones = np.ones((len(scan.errors), 1), np.float32)
    sizes = scan.sums(ones)[:, 0]
    alone = scan.strengths(sizes, scan.sums(scan.errors[:, None])[:, 0])
    found = [Best((int(place),), float(alone[place])) for place in np.flatnonzero(alone > least)]
    chosen = scan.joined(alone)
    if len(chosen):
        both = scan.conjunctions(chosen, scan.errors, alone, sizes)
        found += [
            Best((int(chosen[j]), int(i)), float(both[i, j])) for i, j in zip(*np.nonzero(both > least), strict=True)
        ]
    return sorted(found, key=lambda one: (-one.strength, len(one.places), one.places))


def by_chance(scan: Scan, *, permutations: int = PERMUTATIONS, seed: int = 0) -> Array:
    """(b,) greatest strength found when errors are dealt to rows at random: the same search, conjunctions included.

    Cost: a n b for the conditions, 2 a n q b for their conjunctions.

    Source: Westfall & Young (1993), Resampling-Based Multiple Testing, section 2.6 (single-step maxT).
    """
    rng = np.random.default_rng(seed)
    dealt = np.stack([rng.permutation(scan.errors) for _ in range(permutations)], axis=1)
    sizes = scan.sums(np.ones((len(scan.errors), 1), np.float32))
    alone = scan.strengths(sizes, scan.sums(dealt))
    greatest = alone.max(0, initial=0.0)
    for b in range(permutations):
        chosen = scan.joined(alone[:, b])
        if len(chosen):
            both = scan.conjunctions(chosen, dealt[:, b], alone[:, b], sizes[:, 0])
            greatest[b] = max(greatest[b], float(both.max()))
    return np.asarray(greatest)


def p_value(strength: float, chance: Array) -> float:
    """Share of random searches that found as much, the observed one among them."""
    return float((1 + (chance >= strength - TINY).sum()) / (1 + len(chance)))


def _fit(errors: Array, rows: Array) -> Array:
    """Log likelihood of so many errors in so many rows at their own rate."""
    wrong = np.clip(errors, 0, rows)
    right = rows - wrong
    return np.asarray(wrong * np.log(np.maximum(wrong, TINY) / rows) + right * np.log(np.maximum(right, TINY) / rows))


def _ranks(errors: Array) -> Array:
    """(n,) ranks from 0 to 1, equal errors alike."""
    _, at, counts = np.unique(errors, return_inverse=True, return_counts=True)
    return np.asarray(((np.cumsum(counts) - (counts + 1) / 2) / max(len(errors) - 1, 1))[at])
