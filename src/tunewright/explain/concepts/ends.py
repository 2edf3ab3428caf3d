"""The far ends of directions: which train texts stand there, and which held-out rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewright.explain.concepts.halves import Directions

Array = np.ndarray[Any, np.dtype[Any]]
FEWEST = 5  # train texts at an end, and held-out rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Removal:
    """A direction taken out of the held-out rows at its end.

    Args:
        rows: (m,) these rows, the farthest out first.
        moves: (m, V) what takes the direction out of each of their vectors.
    """

    rows: Array
    moves: Array

    def first(self, count: int) -> Removal:
        """The same of the farthest rows alone."""
        return Removal(rows=self.rows[:count], moves=self.moves[:count])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class End:
    """A direction and who stands at its end.

    Args:
        amounts: (n,) how far out every train text lies.
        inside: (n,) which of them are at the end.
        taken: the direction taken out of the held-out rows at the end.
        agreement: of both halves' directions.
    """

    amounts: Array
    inside: Array
    taken: Removal
    agreement: float


def ends_of(found: Directions, train: Array, held: Array) -> list[End]:
    """The ends at which at least five train texts and five held-out rows stand.

    Args:
        found: the directions.
        train: (n, V) vectors of train texts.
        held: (h, V) vectors of held-out rows.
    """
    ends = []
    for place, (amounts, there) in enumerate(zip(found.amounts(train).T, found.amounts(held).T, strict=True)):
        cut = far_end(amounts)
        end = End(
            amounts=amounts,
            inside=amounts >= cut,
            taken=removal(there, found.step[place], cut),
            agreement=float(found.agreement[place]),
        )
        if min(int(end.inside.sum()), len(end.taken.rows)) >= FEWEST:
            ends.append(end)
    return ends


def far_end(amounts: Array) -> float:
    """Where the far end of some amounts begins: the cut into two groups that leaves the least variance within both.

    Args:
        amounts: (n,) at least two numbers.

    Source: Otsu (1979), A threshold selection method from gray-level histograms.

    >>> far_end(np.array([0.0, 0.25, 0.5, 5.5]))
    3.0
    """
    ordered = np.sort(amounts)
    below = np.arange(1, len(ordered))
    above = len(ordered) - below
    sums = np.cumsum(ordered)
    gap = (sums[-1] - sums[:-1]) / above - sums[:-1] / below
    cut = int(np.argmax(gap**2 * below * above))
    return float((ordered[cut] + ordered[cut + 1]) / 2)


def removal(amounts: Array, step: Array, cut: float) -> Removal:
    """Take a direction out of the rows at its end.

    Args:
        amounts: (n,) how far out every row lies.
        step: (V,) what an amount of one adds to a vector.
        cut: where the end begins.

    >>> removal(np.array([0.0, 3.0, 2.0]), np.array([1.0, 0.0]), 1.0).moves.tolist()
    [[-3.0, -0.0], [-2.0, -0.0]]
    """
    order = np.argsort(-amounts, kind="stable")
    rows = order[amounts[order] >= cut]
    return Removal(rows=rows, moves=-amounts[rows, None] * step)
