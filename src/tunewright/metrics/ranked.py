"""Area under the ROC curve and average precision of many resamples at once, ties counted as scikit-learn does.

Only a positive row's score is a threshold that matters. For one class with m distinct scores among its positive rows,
every negative row at or above the lowest of them falls on a threshold or between two: bin 2t is a tie with threshold t,
bin 2t + 1 lies above it. Weighted sums per bin then give both metrics; a good model leaves few rows to sum.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tunewright.metrics.outcome import Array, Outcome
from tunewright.metrics.resampled import Resampled, Values, Weights, indicator, ratio
from tunewright.metrics.rows import columns


class Ladder(NamedTuple):
    """One class's thresholds: sparse (m, n) of positive rows, (2m, n) of negative rows, (n,) masks of either."""

    positives: Any
    negatives: Any
    is_positive: NDArray[np.float32]
    is_negative: NDArray[np.float32]


def ladders(outcome: Outcome) -> tuple[Ladder, ...]:
    """One ladder per class that has positive and negative rows; binary: of the positive class only."""
    truths, scores = columns(outcome)
    return tuple(_ladder(truth, score, outcome.known) for truth, score in zip(truths, scores, strict=True))


def _ladder(truth: Array, score: Array, known: Array) -> Ladder:
    positive, negative = truth & known, ~truth & known
    steps = np.unique(score[positive])
    at, past = np.searchsorted(steps, score, side="left"), np.searchsorted(steps, score, side="right")
    bins = np.where(negative, at + past - 1, -1)  # below the lowest threshold: -1, in no bin
    return Ladder(
        positives=indicator(np.where(positive, at, -1), len(steps)),
        negatives=indicator(bins, 2 * len(steps)),
        is_positive=positive.astype(np.float32),
        is_negative=negative.astype(np.float32),
    )


def _area(hits: Array, ties: Array, above: Array, totals: tuple[Array, Array]) -> Values:
    wrong = (hits * (above + 0.5 * ties)).sum(axis=0)
    return 1.0 - ratio(wrong, totals[0] * totals[1])


def _average_precision(hits: Array, ties: Array, above: Array, totals: tuple[Array, Array]) -> Values:
    kept = np.cumsum(hits[::-1], axis=0)[::-1]
    return ratio((hits * ratio(kept, kept + above + ties)).sum(axis=0), totals[0])


def _per_class(form: Callable[..., Values]) -> Callable[[Outcome], Callable[[Weights], Values]]:
    def prepare(outcome: Outcome) -> Callable[[Weights], Values]:
        rungs = ladders(outcome)

        def value(weights: Weights) -> Values:
            return np.stack([_one(rung, weights, form) for rung in rungs])

        return value

    return prepare


def _one(rung: Ladder, weights: Weights, form: Callable[..., Values]) -> Values:
    positive, negative = (weights @ mask for mask in (rung.is_positive, rung.is_negative))
    hits, bins = rung.positives @ weights.T, rung.negatives @ weights.T
    from_top = np.cumsum(bins[::-1], axis=0)[::-1]
    value = form(hits, bins[0::2], from_top[1::2], (positive.astype(np.float64), negative.astype(np.float64)))
    return np.where((positive > 0) & (negative > 0), value, np.nan)


def _macro(per_class: Callable[[Outcome], Callable[[Weights], Values]]) -> Callable[[Outcome], Resampled]:
    def prepare(outcome: Outcome) -> Resampled:
        inner = per_class(outcome)

        def value(weights: Weights) -> Values:
            values = inner(weights)
            defined = np.isfinite(values)
            count = defined.sum(axis=0)
            return np.where(count > 0, ratio(np.where(defined, values, 0.0).sum(axis=0), count), np.nan)

        return value

    return prepare


area_per_class = _per_class(_area)
average_precision_per_class = _per_class(_average_precision)
roc_auc = _macro(area_per_class)
average_precision = _macro(average_precision_per_class)
