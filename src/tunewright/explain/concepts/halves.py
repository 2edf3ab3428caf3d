"""Directions of a cloud of vectors that both halves of its rows show.

Each half has its own axes and its own candidates. Those of both are paired one to one; a pair is kept where rows lie
alike along both and both move a vector alike, and where neither looks like a bell curve on the rows it has not seen:
in a cloud of noise with few strong axes two halves agree by chance, but there is nothing at the end of what they found.

Shapes: n rows, D width, R axes, C directions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewright.explain.concepts.pursuit import TINY, far_out, unit
from tunewright.stats import holm

Array = np.ndarray[Any, np.dtype[Any]]
AXES = 24
ROWS_PER_AXIS = 20
FOUND_AGAIN = 0.8
LEVEL = 0.05


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Directions:
    """C directions of a space of vectors.

    Args:
        mean: (D,) of the rows.
        read: (C, D) what a row's vector less the mean is multiplied with: how far out it lies, in standard deviations.
        step: (C, D) what a vector gains where it comes to lie one standard deviation further out.
        agreement: (C,) cosine of both halves' directions, the smaller of that of rows along them and that of steps.
    """

    mean: Array
    read: Array
    step: Array
    agreement: Array

    def __len__(self) -> int:
        return len(self.read)

    def amounts(self, vectors: Array) -> Array:
        """(n, C) how far out each of (n, D) vectors lies."""
        return np.asarray((np.asarray(vectors, np.float64) - self.mean) @ self.read.T)


def find_directions(vectors: Array, *, most: int, seed: int = 0) -> Directions:
    """Directions found in both halves of the rows, those that agree best first.

    Args:
        vectors: (n, D) of distinct rows.
        most: directions, at most.
        seed: of the halves and of where the search starts.
    """
    rng = np.random.default_rng(seed)
    x = np.asarray(vectors, np.float64)
    mean = x.mean(0)
    centred = x - mean
    first, second = np.array_split(rng.permutation(len(x)), 2)
    a, b = _candidates(x[first], rng), _candidates(x[second], rng)
    one, other, sign, agreement = _paired(centred, a, b)
    stands_out = _no_bell(centred[second] @ a[0][one].T, centred[first] @ b[0][other].T)
    kept = np.flatnonzero(stands_out)
    kept = kept[np.argsort(-agreement[kept], kind="stable")][:most]
    read = (a[0][one[kept]] + sign[kept, None] * b[0][other[kept]]) / 2
    amounts = centred @ read.T
    tail = np.where((amounts**3).mean(0) < 0, -1.0, 1.0) / np.maximum(amounts.std(0), TINY)
    return Directions(
        mean=mean,
        read=read * tail[:, None],
        # The regression of the vectors on the amounts (Haufe et al. 2014): a filter reads, its pattern moves.
        step=(amounts * tail).T @ centred / len(x),
        agreement=agreement[kept],
    )


def _candidates(x: Array, rng: np.random.Generator) -> tuple[Array, Array]:
    """(C, D) filters that read candidates of (n, D) rows, and their steps, in the rows' own leading axes."""
    centred = x - x.mean(0)
    spread, axes = np.linalg.eigh(centred.T @ centred / len(x))
    count = min(AXES, len(x) // ROWS_PER_AXIS, int((spread > TINY * max(spread[-1], TINY)).sum()))
    if not count:
        return np.zeros((0, x.shape[1])), np.zeros((0, x.shape[1]))
    deviation, axes = np.sqrt(spread[::-1][:count]), axes[:, ::-1][:, :count]
    found = far_out(centred @ (axes / deviation), rng)
    return found @ (axes / deviation).T, found @ (axes * deviation).T


def _paired(centred: Array, a: tuple[Array, Array], b: tuple[Array, Array]) -> tuple[Array, Array, Array, Array]:
    """Places among a and b of directions found again, whether they point alike (1, −1), how well they agree."""
    from scipy.optimize import linear_sum_assignment

    along = unit(a[0] @ centred.T) @ unit(b[0] @ centred.T).T
    sign = np.where(along < 0, -1.0, 1.0)
    alike = np.minimum(np.abs(along), sign * (unit(a[1]) @ unit(b[1]).T))
    one, other = linear_sum_assignment(alike, maximize=True)
    again = alike[one, other] >= FOUND_AGAIN
    one, other = one[again], other[again]
    return one, other, sign[one, other], alike[one, other]


def _no_bell(first: Array, second: Array) -> Array:
    """(C,) whether neither half's direction gives a bell curve on the other half's rows, at 5 % over all together.

    Source: D'Agostino & Pearson (1973), Tests for departure from normality; Holm (1979).
    """
    from scipy.stats import normaltest

    if not first.shape[1]:
        return np.zeros(0, bool)
    one, other = (np.nan_to_num(normaltest(amounts).pvalue, nan=1.0) for amounts in (first, second))
    return np.asarray(holm(np.maximum(one, other)) < LEVEL)
