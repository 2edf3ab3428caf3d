"""Which rows of a table carry a doubtful label, whatever the task, by out-of-fold answers; most doubtful first.

Shapes: m rows, K classes or labels.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewright.learning.crossfit import Learned
from tunewright.learning.doubt import doubt

Array = np.ndarray[Any, np.dtype[Any]]
FEWEST = 5  # rows of a class below which its labels cannot be doubted
ODDS = 4.0  # at which another class must be favoured before a label counts as an error
KNOWN = 10.0  # odds of a label where it is given over those where it is not, from which on a fit knows it
BLOCK = 100  # rows of similar expectation that share a scale


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Suspects:
    """Rows with a doubtful label.

    Args:
        places: (s,) places in `Learned.rows`, the most doubtful first.
        scores: (s,) how doubtful.
        given: (s,) number of the doubted class or label; regression: the given scaled value.
        instead: (s,) the suggested class; of many labels, the doubted one again where it seems to be missing and −1
            where it seems to be one too many; regression: the expected scaled value.
    """

    places: Array
    scores: Array
    given: Array
    instead: Array


def suggested(learned: Learned) -> Array:
    """(m,) the class that the other rows would give each row: the given one unless another is more probable.

    A class of fewer than five rows is neither doubted nor suggested; −1 where a row has no class, and for other tasks.
    """
    if not learned.labels or learned.targets.ndim == 2:
        return np.full(len(learned.rows), -1)
    targets = learned.targets
    often = _often(learned)
    best = (learned.probabilities * often).argmax(1)
    return np.where((targets < 0) | ~often[targets], targets, best)


def suspects(learned: Learned) -> Suspects:
    """List the rows whose label is likely an error; thresholds come from the rows that were learned from.

    One class per row: ranked by `doubt`; as many as it counts errors, but only where another class is at least
    four times as probable as the given one, and never in a class of fewer than five rows: what a poor fit cannot tell
    apart is not listed. Sets of labels: those that are at odds with a label which the fit knows well. Values: those
    farther from the expected one than the tail of all distances explains.
    """
    if not learned.labels:
        return _of_values(learned)
    return _of_sets(learned) if learned.targets.ndim == 2 else _of_classes(learned)


def _fitted(learned: Learned) -> Array:
    """(m,) whether a row was learned from."""
    return np.asarray(learned.folds >= 0)


def _often(learned: Learned) -> Array:
    """(K,) whether enough rows of a class were learned from."""
    known = learned.targets[_fitted(learned) & (learned.targets >= 0)]
    return np.asarray(np.bincount(known, minlength=len(learned.labels)) >= FEWEST)


def _of_classes(learned: Learned) -> Suspects:
    fitted, targets, often = _fitted(learned), learned.targets, _often(learned)
    sized = np.where((targets >= 0) & often[targets], targets, -1)
    p = learned.probabilities * often
    said = doubt(p, sized, fitted)
    places = np.flatnonzero((said.odds >= ODDS) & (sized >= 0))
    places = places[np.argsort(-said.score[places], kind="stable")]
    places = places[_as_many(fitted[places], round(said.errors))]
    return Suspects(places=places, scores=said.score[places], given=targets[places], instead=said.suggested[places])


def _as_many(fitted: Array, many: int) -> Array:
    """(s,) whether a row comes before the `many`-th of the rows that were learned from, or is it."""
    return np.asarray(np.cumsum(fitted) - fitted < many)


def _of_sets(learned: Learned) -> Suspects:
    """List rows with a label that seems to be missing or one too many.

    Only labels that the fit knows are looked at: it gives the rows that have the label at least a fifth on average, and
    ten times the odds of the others. One too many: at most a fifth probable, and no more so than on average where
    the label is not given. Missing: at least four fifths probable, and as much so as on average where it is given.
    """
    fitted, p, given = _fitted(learned), learned.probabilities, learned.targets > 0
    has = given[fitted]
    held, rest = ((p[fitted] * which).sum(0) / np.maximum(which.sum(0), 1) for which in (has.astype(float), 1.0 - has))
    seldom = 1 / (1 + ODDS)
    known = (held * (1 - rest) >= KNOWN * rest * (1 - held)) & (held >= seldom) & (has.sum(0) >= FEWEST)
    low, high = np.minimum(rest, seldom), np.maximum(held, 1 - seldom)
    wrong = known & np.where(given, p <= low, p >= high)
    score = np.where(wrong, np.where(given, 1 - 2 * p, 2 * p - 1), -np.inf)
    places = np.flatnonzero(wrong.any(1))
    worst, scores = score[places].argmax(1), score[places].max(1)
    order = np.argsort(-scores, kind="stable")
    places, worst = places[order], worst[order]
    instead = np.where(given[places, worst], -1, worst)
    return Suspects(places=places, scores=scores[order], given=worst, instead=instead)


def _of_values(learned: Learned) -> Suspects:
    """List rows whose value is farther from the expected one than the tail of all such distances explains.

    Distances are divided by their median among a hundred rows of similar expectation. Beyond the 90 % quantile their
    tail is taken to be exponential with the slope that it has between the 75 % and the 90 % quantile (which is generous
    for normal errors); listed is what lies beyond the point that one row is expected to pass.
    """
    fitted, expected = _fitted(learned), learned.probabilities[:, 0]
    distance = np.abs(learned.targets - expected)
    usual = _usual(expected[fitted], distance[fitted]) if fitted.sum() >= BLOCK else None
    nothing = np.zeros(0)
    if usual is None:
        return Suspects(places=nothing.astype(np.int64), scores=nothing, given=nothing, instead=nothing)
    ratio = distance / np.interp(expected, *usual)
    middle, high = np.quantile(ratio[fitted], (0.75, 0.9))
    slope = (high - middle) / np.log(0.25 / 0.1)
    places = np.flatnonzero(ratio > high + slope * np.log(0.1 * fitted.sum()))
    places = places[np.argsort(-ratio[places], kind="stable")]
    return Suspects(places=places, scores=ratio[places], given=learned.targets[places], instead=expected[places])


def _usual(expected: Array, distance: Array) -> tuple[Array, Array] | None:
    """Mean expectation and median distance of blocks of a hundred rows in order of expectation; None if all is exact.

    No block's median is less than half of the median of all: a lucky block must not make its rows suspect.
    """
    floor = float(np.median(distance)) / 2
    if not floor > 0:
        return None
    order = np.argsort(expected, kind="stable")
    blocks = np.array_split(order, max(len(order) // BLOCK, 1))
    middles = np.array([expected[block].mean() for block in blocks])
    return middles, np.array([max(float(np.median(distance[block])), floor) for block in blocks])
