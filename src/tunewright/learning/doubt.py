"""How doubtful each given class is, from out-of-fold probabilities: a ranking, and how many of it are likely errors.

Shapes: n rows, K classes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
FEWEST = (
    5  # rows of a class below which its labels cannot be doubted, and doubtful rows below which nothing is read off
)
ODDS = 4.0  # at which another class must be favoured before a label counts as an error
SURELY = 3.0  # standard deviations by which a confusion must be one-sided
TRUST = 0.25  # how much of a one-sided confusion is believed, as a power of its ratio


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Doubt:
    """What out-of-fold probabilities say about given classes.

    Args:
        score: (n,) the larger the more doubtful; −inf where nothing can be said.
        suggested: (n,) the most probable other class.
        odds: (n,) its probability over that of the given class.
    """

    score: Array
    suggested: Array
    odds: Array


def doubt(probabilities: Array, given: Array, read: Array | None = None) -> Doubt:
    """Score every row by u² · p(best other class) − p(given class), brought to 0 to 1.

    With u = 1 that is the margin, which is best where errors are confusions of similar classes; with u = 0 it is the
    probability of the given label, which is best where any label may have slipped in. u is read off the doubtful rows
    themselves: how much of what the best other class leaves goes to the given class, on a logarithmic scale from one in
    K − 1 (a label at random) to all (always the runner-up). Where rows labelled j look like i far more often than the
    reverse, i counts for more against j: what is hard to tell apart is confused both ways, mislabelling has a
    direction.

    Cost: n K, and sorting the doubtful rows.

    Args:
        probabilities: (n, K) of rows that had no part in the fit that answers for them.
        given: (n,) class numbers, −1 where there is none.
        read: (n,) whether u and directions may be read off a row, or None for all.

    Source: margin and self-confidence: Northcutt, Jiang & Chuang (2021), Confident learning. JAIR 70.

    >>> p = np.array([[0.9, 0.1, 0.0], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.5, 0.4, 0.1]])
    >>> doubt(p, np.array([0, 0, 2, 1])).score.argsort().tolist()[::-1]
    [1, 3, 2, 0]
    """
    p = np.asarray(probabilities)
    n, classes = p.shape
    rows, known = np.arange(n), np.maximum(given, 0)
    own, other, suggested = _against(p, known)
    doubtful = (other > own) & (given >= 0)
    if read is not None:
        doubtful &= read
    u = confusion(own[doubtful], other[doubtful], classes)
    sure = doubtful & _confident(own, other, suggested, given, classes)
    factors, place = _directions(known[sure], suggested[sure], classes, trust=TRUST * u)
    touched = np.flatnonzero(place[known] >= 0)
    if len(touched):
        swayed = p[touched] * factors[place[known[touched]]]
        swayed /= swayed.sum(1, keepdims=True)
        own[touched], other[touched], suggested[touched] = _against(swayed, known[touched])
    score = np.where(given >= 0, (1 + u * u * other - own) / (1 + u * u), -np.inf)
    own = p[rows, known]
    return Doubt(score=score, suggested=suggested, odds=p[rows, suggested] / np.maximum(own, 1e-12))


def confusion(own: Array, other: Array, classes: int) -> float:
    """Where doubtful rows lie between labels at random (0) and confusions with a runner-up (1).

    >>> confusion(np.full(9, 0.01), np.full(9, 0.91), 10), confusion(np.full(9, 0.2), np.full(9, 0.8), 10)
    (0.0, 1.0)
    """
    if classes < 3 or len(own) < FEWEST:
        return 1.0
    share = float(np.median(own / np.maximum(1 - other, 1e-9)))
    return round(min(max(1 + math.log(max(share, 1e-12)) / math.log(classes - 1), 0.0), 1.0), 12)


def likely_errors(probabilities: Array, given: Array) -> float:
    """How many of the given labels are wrong, by the calibrated count of confident disagreements.

    A row is confident of its most probable class where that probability reaches the mean of the class's own rows. The
    share of other classes among the confident rows of each given class, times that class's rows.

    Args:
        probabilities: (n, K) of rows that had no part in the fit that answers for them.
        given: (n,) class numbers, −1 where there is none.

    Source: Northcutt, Jiang & Chuang (2021), Confident learning. JAIR 70, 1373-1411.
    """
    p = np.asarray(probabilities)
    classes, known = p.shape[1], np.flatnonzero(given >= 0)
    p, given = p[known], given[known]
    own, other, suggested = _against(p, given)
    confident = _confident(own, other, suggested, given, classes)
    size, counted, wrong = (
        np.bincount(given[rows], minlength=classes) for rows in (own >= 0, confident, confident & (other > own))
    )
    return float((size * wrong / np.maximum(counted, 1)).sum())


def _against(p: Array, given: Array) -> tuple[Array, Array, Array]:
    """Probability of the given class, of the best other one, and which that is."""
    rows = np.arange(len(p))
    own = p[rows, given]
    p = p.copy()
    p[rows, given] = -1.0
    best = p.argmax(1)
    return own, p[rows, best], best


def _confident(own: Array, other: Array, suggested: Array, given: Array, classes: int) -> Array:
    """(n,) whether the most probable class is as probable as it is on average among its own rows."""
    known = given >= 0
    size = np.bincount(given[known], minlength=classes)
    usual = np.bincount(given[known], weights=own[known], minlength=classes) / np.maximum(size, 1)
    return np.where(other > own, other >= usual[suggested], own >= usual[given])


def _directions(given: Array, suggested: Array, classes: int, *, trust: float) -> tuple[Array, Array]:
    """Factors (D, K) for the D classes that others are mistaken for in one direction, and (K,) the place of each class.

    A factor is the ratio of rows given j that look like i to rows given i that look like j, after SURELY standard
    deviations of chance were taken off, to the power `trust`.
    """
    place = np.full(classes, -1)
    if classes < 3 or not len(given):
        return np.ones((0, classes)), place
    pairs, count = np.unique(given.astype(np.int64) * classes + suggested, return_counts=True)
    j, i = pairs // classes, pairs % classes
    at = np.minimum(np.searchsorted(pairs, i * classes + j), len(pairs) - 1)
    back = np.where(pairs[at] == i * classes + j, count[at], 0)
    ratio = (count + SURELY) / (back + SURELY * np.sqrt(count + back) + SURELY)
    oneway = ratio > 1
    mistaken = np.unique(j[oneway])
    place[mistaken] = np.arange(len(mistaken))
    factors = np.ones((len(mistaken), classes))
    factors[place[j[oneway]], i[oneway]] = ratio[oneway] ** trust
    return factors, place
