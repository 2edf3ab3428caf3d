"""Vectors: how many new rows have no old row near them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tunewright.living.drift.aspects import Aspect
from tunewright.living.drift.statistics import Statistic

Array = np.ndarray[Any, np.dtype[Any]]
AT_ONCE = 20_000_000  # cells of a block of neighbour lists


@dataclass(frozen=True, slots=True, kw_only=True)
class Novelty:
    """The surplus of new rows whose nearest old row is farther away than rows usually are from each other.

    A few rows of a new kind move a mean by little, but nothing old stands near them. For each bound, a quantile of the
    distance of all rows to their nearest neighbour, the new rows beyond it are counted; the statistic is the largest
    squared standardised surplus.

    Args:
        neighbours: how many nearest rows are looked through for an old one.
        beyond: shares of all rows that lie beyond the bounds.
    """

    kind: ClassVar[str] = "novelty"
    reads: ClassVar[str] = "vector"
    neighbours: int = 48
    beyond: tuple[float, ...] = (0.2, 0.1, 0.05, 0.02)

    def prepare(self, aspect: Aspect) -> Statistic | None:
        """None where all vectors are equal."""
        squared = aspect.squared
        if not squared.any():
            return None
        near, far = nearest_rows(squared, self.neighbours)
        bounds = np.quantile(far[:, 0], 1 - np.array(self.beyond))

        def statistic(masks: Array) -> Array:
            return np.array([self._of(mask, near, far, bounds) for mask in masks])

        return statistic

    def _of(self, mask: Array, near: Array, far: Array, bounds: Array) -> float:
        distance = to_old(mask, near, far)
        count = len(distance)
        surplus = 0.0
        for share, bound in zip(self.beyond, bounds, strict=True):
            above = float((distance > bound).sum()) - share * count
            surplus = max(surplus, above / (share * (1 - share) * count) ** 0.5)
        return surplus**2


def nearest_rows(squared: Array, count: int) -> tuple[Array, Array]:
    """(N, L) the nearest other rows of each row, and (N, L) their squared distances, nearest first."""
    apart = squared.copy()
    np.fill_diagonal(apart, np.inf)
    count = min(count, len(apart) - 1)
    near = np.argpartition(apart, count - 1, axis=1)[:, :count]
    far = np.take_along_axis(apart, near, 1)
    order = np.argsort(far, axis=1, kind="stable")
    return np.take_along_axis(near, order, 1), np.take_along_axis(far, order, 1)


def to_old(mask: Array, near: Array, far: Array) -> Array:
    """(n,) squared distance of each new row to the nearest old one; the farthest looked at where none was old."""
    rows = np.flatnonzero(mask)
    old = ~mask[near[rows]]
    first = np.where(old.any(1), old.argmax(1), near.shape[1] - 1)
    return np.asarray(far[rows, first])
