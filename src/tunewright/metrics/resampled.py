"""Metrics of many bootstrap resamples at once, from weighted sums of per-row numbers (matrix products, no loop).

Each function prepares what does not depend on the weights and returns a `Resampled`: (b, n) counts to (b,) values, NaN
where a resample leaves the metric undefined. Legend: b resamples, n rows, K classes (one more where a true label is
unseen), arrays of sums are (K, b).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tunewright.metrics.outcome import Array, Outcome
from tunewright.metrics.rows import confidence_bins

Weights = NDArray[np.float32]
Values = NDArray[np.float64]
Resampled = Callable[[Weights], Values]


class Counts(NamedTuple):
    """Weighted rows per class: truly of it, predicted as it, both; (K, b) each. `always`: counted even where empty."""

    truth: Values
    predicted: Values
    hits: Values
    always: bool

    def precision(self) -> Values:
        """Per class; 0 where nothing is predicted, as scikit-learn's `zero_division=0`."""
        return ratio(self.hits, self.predicted)

    def recall(self) -> Values:
        """Per class; 0 where nothing is true."""
        return ratio(self.hits, self.truth)

    def f1(self) -> Values:
        """Per class; 0 where neither true nor predicted."""
        return ratio(2 * self.hits, self.truth + self.predicted)

    def present(self) -> NDArray[np.bool_]:
        """(K, b) classes a macro average runs over: those in truth or predictions; every label for multilabel."""
        return np.asarray((self.truth + self.predicted > 0) | self.always)


def ratio(part: Array, whole: Array) -> Values:
    """Part / whole, 0 where whole is 0."""
    out: Values = np.zeros(np.broadcast(part, whole).shape)
    np.divide(part, whole, out=out, where=np.asarray(whole) != 0)
    return out


def mean_over(values: Array, chosen: Array) -> Values:
    """Mean over axis 0 of the chosen entries; NaN where none is chosen."""
    total, count = np.where(chosen, values, 0.0).sum(axis=0), chosen.sum(axis=0)
    return np.where(count > 0, ratio(total, count), np.nan)


def class_counts(outcome: Outcome) -> Callable[[Weights], Counts]:
    """Prepare the weighted counts behind every metric of a confusion matrix."""
    if outcome.task == "multilabel":
        return _label_counts(outcome)
    size = outcome.classes + int((outcome.truth < 0).any())
    truth = np.where(outcome.truth < 0, outcome.classes, outcome.truth)
    right = outcome.truth == outcome.labels
    groups = (truth, outcome.labels, np.where(right, outcome.labels, -1))

    @cache
    def tables() -> list[Any]:
        return [indicator(one, size) for one in groups]

    def count(weights: Weights) -> Counts:
        if len(weights) > 1:
            return _counted([(table @ weights.T).astype(np.float64) for table in tables()])
        # One resample needs no matrix: this is what a loop over thresholds asks for.
        only, hits = weights[0], right & (outcome.labels >= 0)
        numbers = ((truth, only), (outcome.labels, only), (outcome.labels[hits], only[hits]))
        return _counted([np.bincount(one, counted, size).astype(np.float64)[:, None] for one, counted in numbers])

    return count


def _label_counts(outcome: Outcome) -> Callable[[Weights], Counts]:
    tables = [indicator_of(x) for x in (outcome.truth, outcome.labels, outcome.truth * outcome.labels)]

    def count(weights: Weights) -> Counts:
        return _counted([(table @ weights.T).astype(np.float64) for table in tables], always=True)

    return count


def _counted(tables: list[Values], *, always: bool = False) -> Counts:
    truth, predicted, hits = tables
    return Counts(truth, predicted, hits, always)


def indicator(groups: Array, size: int, values: Array | None = None) -> Any:
    """Sparse (size, n) matrix that sums rows per group; rows of group -1 belong to none."""
    from scipy.sparse import csr_matrix

    rows = np.flatnonzero(groups >= 0)
    data = np.ones(len(rows), dtype=np.float32) if values is None else values[rows].astype(np.float32)
    return csr_matrix((data, (groups[rows].astype(np.int32), rows.astype(np.int32))), shape=(size, len(groups)))


def indicator_of(table: Array) -> Any:
    """Sparse (k, n) matrix that sums the rows of each label of an (n, k) 0/1 table."""
    from scipy.sparse import csr_matrix

    return csr_matrix(np.ascontiguousarray(table.T), dtype=np.float32)


def from_counts(metric: Callable[[Counts, Outcome], Values]) -> Callable[[Outcome], Resampled]:
    """Make a resampled metric of one that reads the class counts."""

    def prepare(outcome: Outcome) -> Resampled:
        count = class_counts(outcome)
        return lambda weights: metric(count(weights), outcome)

    return prepare


def balanced_accuracy(counts: Counts, outcome: Outcome) -> Values:
    """Mean recall over the classes that occur in the truth."""
    return mean_over(counts.recall(), counts.truth > 0)


def matthews(counts: Counts, outcome: Outcome) -> Values:
    """Multiclass Matthews correlation; 0 where truth or prediction is constant.

    Source: Gorodkin (2004), Comparing two K-category assignments by a K-category correlation coefficient.
    """
    total, right = counts.truth.sum(axis=0), counts.hits.sum(axis=0)
    covariance = right * total - (counts.truth * counts.predicted).sum(axis=0)
    spread = (total**2 - (counts.predicted**2).sum(axis=0)) * (total**2 - (counts.truth**2).sum(axis=0))
    return ratio(covariance, np.sqrt(np.maximum(spread, 0.0)))


def row_mean(per_row: Callable[[Outcome], Array]) -> Callable[[Outcome], Resampled]:
    """Make a resampled metric of a number per row: its weighted mean over the rows where it is finite."""

    def prepare(outcome: Outcome) -> Resampled:
        values = per_row(outcome)
        counted = np.isfinite(values)
        # Squares of very large or small units leave the range of float32.
        unit = float(np.abs(values[counted]).max(initial=0.0)) or 1.0
        columns = np.stack([np.where(counted, values / unit, 0.0), counted], axis=1).astype(np.float32)

        def mean(weights: Weights) -> Values:
            sums = (weights @ columns).astype(np.float64)
            return np.where(sums[:, 1] > 0, unit * ratio(sums[:, 0], sums[:, 1]), np.nan)

        return mean

    return prepare


def root(resampled: Callable[[Outcome], Resampled]) -> Callable[[Outcome], Resampled]:
    """Square root of another resampled metric."""

    def prepare(outcome: Outcome) -> Resampled:
        inner = resampled(outcome)
        return lambda weights: np.sqrt(inner(weights))

    return prepare


def r2(outcome: Outcome) -> Resampled:
    """1 − residual over total sum of squares."""
    truth, scale = _standard(outcome.truth)
    error = (outcome.labels - outcome.truth) / scale
    columns = np.stack([np.ones_like(truth), truth, truth**2, error**2], axis=1).astype(np.float32)

    def value(weights: Weights) -> Values:
        n, s, ss, residual = (weights @ columns).astype(np.float64).T
        total = ss - s**2 / n
        return np.where(total > 1e-5 * n, 1.0 - ratio(residual, total), np.nan)

    return value


def correlation(ranked: bool) -> Callable[[Outcome], Resampled]:
    """Weighted Pearson correlation of the values, or of their ranks in all rows (Spearman; ranks are not redone)."""

    def prepare(outcome: Outcome) -> Resampled:
        from scipy.stats import rankdata

        pair = (rankdata(x) if ranked else x for x in (outcome.truth, outcome.labels))
        x, y = (_standard(values)[0] for values in pair)
        columns = np.stack([np.ones_like(x), x, y, x * x, y * y, x * y], axis=1).astype(np.float32)

        def value(weights: Weights) -> Values:
            n, sx, sy, sxx, syy, sxy = (weights @ columns).astype(np.float64).T
            spread_x, spread_y = sxx / n - (sx / n) ** 2, syy / n - (sy / n) ** 2
            defined = (spread_x > 1e-5) & (spread_y > 1e-5)
            product = np.sqrt(np.where(defined, spread_x * spread_y, 1.0))
            return np.where(defined, np.clip((sxy / n - sx * sy / n**2) / product, -1.0, 1.0), np.nan)

        return value

    return prepare


def calibration_error(outcome: Outcome) -> Resampled:
    """Expected calibration error in 15 equal-width bins of the predicted label's probability."""
    bins, gap = confidence_bins(outcome)
    table, known = indicator(bins, int(bins.max()) + 1, gap), outcome.known.astype(np.float32)

    def value(weights: Weights) -> Values:
        rows = (weights @ known).astype(np.float64)
        error = np.abs(table @ weights.T).sum(axis=0).astype(np.float64)
        return np.where(rows > 0, ratio(error, rows), np.nan)

    return value


def _standard(values: Array) -> tuple[Values, float]:
    """Centre and scale, so that float32 sums of squares lose nothing; the scale is 1 where nothing varies."""
    centred = values.astype(np.float64) - values.mean()
    scale = float(centred.std()) or 1.0
    return centred / scale, scale
