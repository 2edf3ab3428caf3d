"""How doubtful each given class is, from out-of-fold probabilities: a ranking, and how many of it are likely errors.

Shapes: n rows, K classes.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
FEWEST = 5  # doubtful rows below which nothing is read off them
MANY = 0.1  # share of errors that counts as many
SURELY = 3.0  # standard deviations by which a confusion must be one-sided
TRUST = 0.5  # how much of a one-sided confusion is believed, as a power of its ratio
LEAST = 1e-9  # probabilities below it are all one


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Doubt:
    """What out-of-fold probabilities say about given classes.

    Args:
        score: (n,) the larger the more doubtful; −inf where nothing is given.
        suggested: (n,) the most probable other class.
        odds: (n,) its probability over that of the given class.
        errors: how many of the given classes are likely wrong.
    """

    score: Array
    suggested: Array
    odds: Array
    errors: float


def doubt(probabilities: Array, given: Array, read: Array | None = None) -> Doubt:
    """Score every row by √u · log q − log p + (2c)² · (log(1 − p) − log(1 − q)).

    p is the probability of the given class, q that of the best other one. u says whether errors are labels at random
    (0) or confusions with a runner-up (1), see `confusion`; c is u times the share of errors, at most one from a tenth
    on. Few errors, or errors at random, are thus ranked by p and q/p: what is hard to tell apart has no tiny p. Where
    errors are many and confused, p is never tiny, and what counts is how sure q is. Where rows labelled j look like i
    far more often than the reverse, i counts for more against j: what is hard to tell apart is confused both ways,
    mislabelling has a direction.

    Errors are counted by confident learning: a row is confident of its most probable class where that probability
    reaches the mean of the class's own rows. The share of other classes among the confident rows of each given class,
    times that class's rows, are errors.

    Cost: n K, and sorting the doubtful rows.

    Args:
        probabilities: (n, K) of rows that had no part in the fit that answers for them.
        given: (n,) class numbers, −1 where there is none.
        read: (n,) whether u, directions and errors may be read off a row, or None for all.

    Source: Northcutt, Jiang & Chuang (2021), Confident learning. JAIR 70, 1373-1411; the score is our own, docs/log.md
    says what it was compared with.

    >>> p = np.array([[0.9, 0.1, 0.0], [0.1, 0.8, 0.1], [0.2, 0.2, 0.6], [0.5, 0.4, 0.1]])
    >>> doubt(p, np.array([0, 0, 2, 1])).score.argsort().tolist()[::-1]
    [1, 3, 2, 0]
    """
    p = np.asarray(probabilities)
    classes, known = p.shape[1], np.maximum(given, 0)
    own, other, suggested = _against(p, known)
    odds = other / np.maximum(own, LEAST)
    counts = given >= 0 if read is None else read & (given >= 0)
    doubtful = (other > own) & counts
    confident = _confident(own, other, suggested, known, counts, classes)
    errors = _errors(known, counts, confident, doubtful, classes)
    u = confusion(own[doubtful], other[doubtful], classes)
    sure = doubtful & confident
    factors, place = _directions(known[sure], suggested[sure], classes, trust=TRUST * u)
    swayed = np.flatnonzero(place[known] >= 0)
    if len(swayed):
        moved = p[swayed] * factors[place[known[swayed]]]
        own[swayed], other[swayed], suggested[swayed] = _against(moved / moved.sum(1, keepdims=True), known[swayed])
    many = u * min(errors / max(int(counts.sum()), 1) / MANY, 1.0)
    score = np.where(given >= 0, _score(own, other, u, many), -np.inf)
    return Doubt(score=score, suggested=suggested, odds=odds, errors=errors)


def confusion(own: Array, other: Array, classes: int) -> float:
    """Where the errors lie between labels at random (0) and confusions with a runner-up (1).

    It is read off the doubtful rows: how much of what the best other class leaves goes to the given class, in the
    median, on a logarithmic scale from one in K − 1 to all.

    Args:
        own: (s,) probability of the given class, of rows for which another is more probable.
        other: (s,) probability of that one.
        classes: K.

    >>> confusion(np.full(9, 0.01), np.full(9, 0.91), 10), confusion(np.full(9, 0.2), np.full(9, 0.8), 10)
    (0.0, 1.0)
    """
    if classes < 3 or len(own) < FEWEST:
        return 1.0
    share = float(np.median(own / np.maximum(1 - other, LEAST)))
    return round(min(max(1 + math.log(max(share, LEAST)) / math.log(classes - 1), 0.0), 1.0), 12)


def _score(own: Array, other: Array, u: float, many: float) -> Array:
    own, other = (np.clip(np.asarray(one, np.float64), LEAST, 1 - LEAST) for one in (own, other))
    sureness = np.log1p(-own) - np.log1p(-other)
    return np.asarray(math.sqrt(u) * np.log(other) - np.log(own) + (2 * many) ** 2 * sureness)


def _against(p: Array, given: Array) -> tuple[Array, Array, Array]:
    """Probability of the given class, of the best other one, and which that is."""
    rows = np.arange(len(p))
    own = p[rows, given]
    p = p.copy()
    p[rows, given] = -1.0
    best = p.argmax(1)
    return own, p[rows, best], best


def _confident(own: Array, other: Array, suggested: Array, given: Array, counts: Array, classes: int) -> Array:
    """(n,) whether the most probable class is as probable as it is on average among its own rows."""
    size = np.bincount(given[counts], minlength=classes)
    usual = np.bincount(given[counts], weights=own[counts], minlength=classes) / np.maximum(size, 1)
    return np.where(other > own, other >= usual[suggested], own >= usual[given])


def _errors(given: Array, counts: Array, confident: Array, doubtful: Array, classes: int) -> float:
    size, sure, wrong = (
        np.bincount(given[rows], minlength=classes) for rows in (counts, counts & confident, doubtful & confident)
    )
    return float((size * wrong / np.maximum(sure, 1)).sum())


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
