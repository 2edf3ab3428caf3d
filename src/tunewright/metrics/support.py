"""How many trials stand behind a metric, so that its interval is never narrower than those trials allow.

A bootstrap sees no doubt where no resample differs: five rows, all right, would be 1.000 (1.000–1.000). A bounded
metric is therefore also read as one proportion, and gets at least Wilson's interval for it. A sum of m independent
proportions with shares s and trials t varies like one proportion of 1 / Σ s²/t trials. Each function returns that
number of trials; 0 where there are none.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from tunewright.metrics.outcome import Array, Outcome
from tunewright.metrics.resampled import Counts, class_counts
from tunewright.metrics.rows import columns

Support = Callable[[Outcome], float]


def rows(outcome: Outcome) -> float:
    """A mean over rows: one trial each."""
    return float(outcome.rows)


def macro(kind: str) -> Support:
    """Mean over classes of precision, recall or F1."""

    def support(outcome: Outcome) -> float:
        counts = _whole(outcome)
        chosen = (counts.truth > 0 if kind == "balanced" else counts.present())[:, 0]
        return _trials(_per_class(counts, kind)[chosen], np.ones(int(chosen.sum())))

    return support


def weighted_f1(outcome: Outcome) -> float:
    """F1 of each class, weighted by its share of the truth."""
    counts = _whole(outcome)
    return _trials(_per_class(counts, "f1"), counts.truth[:, 0])


def micro_f1(outcome: Outcome) -> float:
    """One proportion over all labels of all rows."""
    counts = _whole(outcome)
    return float((counts.truth + counts.predicted).sum())


def positive(kind: str) -> Support:
    """Precision, recall or F1 of the positive class."""

    def support(outcome: Outcome) -> float:
        return float(_per_class(_whole(outcome), kind)[outcome.positive_class])

    return support


def matthews(outcome: Outcome) -> float:
    """The trials of balanced accuracy, times the factor by which K classes make −1 unreachable.

    With even classes the correlation is (K·accuracy − 1) / (K − 1), while the interval is taken on (1 + value) / 2:
    near 1 the two vary alike when trials are multiplied by 2·(K − 1) / K.
    """
    classes = int(_whole(outcome).present().sum())
    return macro("balanced")(outcome) * max(1.0, 2.0 * (classes - 1) / classes)


def area(outcome: Outcome) -> float:
    """Four times the rarer side's rows per class: no less than what an area near 1 varies like for normal scores.

    Exponential scores (Hanley & McNeil 1982, Radiology 143, 29-36) vary like twice the rows; there the bootstrap is the
    wider of the two. A smaller factor made intervals of good models several times too wide.
    """
    inside, outside = _sides(outcome)
    return _trials(4 * np.minimum(inside, outside), np.ones(len(inside)))


def average_precision(outcome: Outcome) -> float:
    """The positive rows of each class."""
    inside, _ = _sides(outcome)
    return _trials(inside, np.ones(len(inside)))


def _sides(outcome: Outcome) -> tuple[Array, Array]:
    inside = np.array([float((truth & outcome.known).sum()) for truth in columns(outcome)[0]])
    return inside, outcome.known.sum() - inside


def _whole(outcome: Outcome) -> Counts:
    return class_counts(outcome)(np.ones((1, outcome.rows), dtype=np.float32))


def _per_class(counts: Counts, kind: str) -> Array:
    """(K,) denominators, at least 1; F1 is 2·hits in true + predicted rows."""
    truth, predicted = counts.truth[:, 0], counts.predicted[:, 0]
    named = {"precision": predicted, "recall": truth, "balanced": truth, "f1": truth + predicted}[kind]
    return np.maximum(named, 1.0)


def _trials(trials: Array, shares: Array) -> float:
    total = float(shares.sum())
    return float(1.0 / ((shares / total) ** 2 / trials).sum()) if total > 0 else 0.0


def correlation(value: float, n: int) -> tuple[float, float]:
    """Fisher's 95 % interval of a correlation of n rows: normal on the scale of its inverse hyperbolic tangent.

    >>> low, high = correlation(0.5, 100)
    >>> round(low, 3), round(high, 3)
    (0.337, 0.634)
    """
    return _fisher(value, n, variance=1.0)


def rank_correlation(value: float, n: int) -> tuple[float, float]:
    """The same of a rank correlation, whose variance on that scale is 1 + value² / 2 times as large.

    A bootstrap that keeps the ranks of all rows misses what resampled ranks would add.

    Source: Bonett & Wright (2000), Sample size requirements for estimating Pearson, Kendall and Spearman correlations.
    Psychometrika 65, 23-28.
    """
    return _fisher(value, n, variance=1.0 + value**2 / 2)


def _fisher(value: float, n: int, *, variance: float) -> tuple[float, float]:
    if n < 4 or abs(value) >= 1.0:
        return value, value
    middle, half = math.atanh(value), 1.96 * math.sqrt(variance / (n - 3))
    return math.tanh(middle - half), math.tanh(middle + half)
