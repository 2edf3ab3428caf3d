"""The value of each metric on all rows, through scikit-learn; None where the outcome leaves it undefined."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tunewright.metrics.outcome import Array, Outcome
from tunewright.metrics.rows import columns, confidence_bins, normalised, right, row_brier

Value = Callable[[Outcome], float | None]
# Fewer rows always lie on a line, or nearly: no correlation is worth a number.
_CORRELATION_ROWS = 4


def accuracy(outcome: Outcome) -> float:
    """Share of rows that are right; multilabel: with every label right."""
    return float(right(outcome).mean())


def balanced_accuracy(outcome: Outcome) -> float:
    """Mean recall over the classes of the truth."""
    from sklearn.metrics import recall_score

    # Not balanced_accuracy_score: it is the same number, with a warning where a predicted class has no true row.
    truth = np.unique(outcome.truth)
    return float(recall_score(outcome.truth, outcome.labels, labels=truth, average="macro", zero_division=0))


def averaged(kind: str, average: str) -> Value:
    """Precision, recall or F1, averaged as scikit-learn's `average` says."""

    def value(outcome: Outcome) -> float:
        import sklearn.metrics

        score = getattr(sklearn.metrics, f"{kind}_score")
        return float(score(outcome.truth, outcome.labels, average=average, zero_division=0))

    return value


def of_positive(kind: str) -> Value:
    """Precision, recall or F1 of the positive class; None where no row gives it a denominator."""

    def value(outcome: Outcome) -> float | None:
        import sklearn.metrics

        truth, said = (x == outcome.positive_class for x in (outcome.truth, outcome.labels))
        needed = {"precision": said, "recall": truth, "f1": truth | said}[kind]
        if not needed.any():
            return None
        return float(getattr(sklearn.metrics, f"{kind}_score")(truth, said, zero_division=0))

    return value


def matthews(outcome: Outcome) -> float:
    """Matthews correlation; 0 where truth or prediction is constant."""
    from sklearn.metrics import matthews_corrcoef

    if len(np.union1d(outcome.truth, outcome.labels)) < 2:
        return 0.0  # what scikit-learn says too, after a warning
    return float(matthews_corrcoef(outcome.truth, outcome.labels))


def ranking(kind: str) -> Value:
    """`roc_auc` or `average_precision`: macro over the classes that have rows inside and outside; None without one."""

    def value(outcome: Outcome) -> float | None:
        import sklearn.metrics

        score = getattr(sklearn.metrics, f"{kind}_score")
        truths, scores = columns(outcome)
        known = outcome.known
        values = [score(t[known], s[known]) for t, s in zip(truths, scores, strict=True)]
        return float(np.mean(values)) if values else None

    return value


def log_loss(outcome: Outcome) -> float | None:
    """Mean log loss of the known rows, in nats."""
    from sklearn.metrics import log_loss as reference

    known = outcome.known
    if not known.any():
        return None
    return float(reference(outcome.truth[known], normalised(outcome)[known], labels=np.arange(outcome.classes)))


def brier(outcome: Outcome) -> float | None:
    """Mean Brier score of the known rows: 0 to 1 for binary, 0 to 2 for multiclass, as in scikit-learn."""
    return float(np.nanmean(row_brier(outcome))) if outcome.known.any() else None


def calibration_error(outcome: Outcome) -> float | None:
    """Expected calibration error: mean over rows of |confidence − accuracy| of their bin.

    Source: Guo et al. (2017), On calibration of modern neural networks, ICML; confidence is the predicted label's.
    """
    known = outcome.known
    if not known.any():
        return None
    bins, gap = confidence_bins(outcome)
    return float(np.abs(np.bincount(bins[known], weights=gap[known])).sum() / known.sum())


def regression(name: str) -> Value:
    """A metric of scikit-learn's that takes true and predicted values."""

    def value(outcome: Outcome) -> float | None:
        import sklearn.metrics

        if name == "r2_score" and not _varies(outcome.truth):
            return None
        return float(getattr(sklearn.metrics, name)(outcome.truth, outcome.labels))

    return value


def correlation(name: str) -> Value:
    """SciPy's `spearmanr` or `pearsonr`; None below four rows or where truth or prediction is constant."""

    def value(outcome: Outcome) -> float | None:
        import scipy.stats

        enough = outcome.rows >= _CORRELATION_ROWS and _varies(outcome.truth) and _varies(outcome.labels)
        result: Any = getattr(scipy.stats, name)(outcome.truth, outcome.labels) if enough else None
        return float(result.statistic) if enough else None

    return value


def _varies(values: Array) -> bool:
    """Whether values differ by more than rounding."""
    return bool(np.ptp(values) > 1e-12 * max(1.0, float(np.abs(values).max())))
