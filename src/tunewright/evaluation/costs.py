"""What a model's confusions cost on labelled rows, with an interval.

Legend: n rows, K labels; costs (K, K) have the true label in the row and the one that is said in the column.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import DataError
from tunewright.metrics import Outcome
from tunewright.records import Comparison, Score
from tunewright.stats import bootstrap_weights, paired_difference, percentile_interval, wilson

Floats = NDArray[np.float64]
Verdict = Literal["better", "worse", "no evidence"]
METRIC = "expected_cost"
# With five differing rows the strongest exact paired test gives 2 / 2**5 = 0.06: nothing can be shown.
_DIFFERING_ROWS = 6


def row_costs(outcome: Outcome, costs: Floats) -> Floats:
    """(n,) what each answer costs.

    A true label that training never saw (−1) is always confused; it costs what saying the predicted label wrongly costs
    at least.

    Raises:
        DataError: the rows have no single label, or the matrix is one of other labels.

    >>> o = Outcome(task="binary", classes=2, truth=np.array([0, 1, -1]), labels=np.array([1, 1, 0]))
    >>> row_costs(o, np.array([[0.0, 5.0], [2.0, 0.0]])).tolist()
    [5.0, 0.0, 2.0]
    """
    if outcome.task not in ("binary", "multiclass") or costs.shape != (outcome.classes, outcome.classes):
        raise DataError(
            f"Costs need one label a row and a matrix of its {outcome.classes} labels. "
            f"Got {outcome.task} and {costs.shape}. Read the costs with the model's labels."
        )
    wrong = np.where(np.eye(outcome.classes, dtype=bool), np.inf, costs)
    cheapest = wrong.min(axis=0) if outcome.classes > 1 else np.ones(outcome.classes)
    said, known = outcome.labels, outcome.known
    return np.asarray(np.where(known, costs[np.where(known, outcome.truth, 0), said], cheapest[said]))


def expected_cost(outcome: Outcome, costs: Floats, *, seed: int = 0, rounds: int = 1000) -> Score:
    """Mean cost of a row with its 95 % interval: a bootstrap within the true labels.

    Where not one answer costs anything, resampling would claim certainty; the interval then ends at what Wilson's
    interval of 0 in n leaves possible at the dearest confusion.

    Args:
        outcome: truth and predictions of n rows.
        costs: (K, K), as `read_costs` gives them.
        seed: of the bootstrap.
        rounds: bootstrap resamples.

    Raises:
        DataError: as `row_costs`.

    >>> truth = np.arange(100) % 2
    >>> o = Outcome(task="binary", classes=2, truth=truth, labels=np.where(np.arange(100) < 10, 1 - truth, truth))
    >>> expected_cost(o, np.array([[0.0, 4.0], [2.0, 0.0]])).value
    0.3
    """
    each = row_costs(outcome, costs)
    value, n = float(each.mean()), outcome.rows
    if not each.any():
        return Score(value=0.0, low=0.0, high=wilson(0, n).high * float(costs.max(initial=0.0)), n=n)
    blocks = bootstrap_weights(n, strata=outcome.strata, rounds=rounds, seed=seed)
    low, high = percentile_interval(np.concatenate([weights @ each for weights in blocks]) / n)
    return Score(value=value, low=min(low, value), high=max(high, value), n=n)


def cost_difference(
    a: Outcome, b: Outcome, costs: Floats, *, names: tuple[str, str] = ("a", "b"), seed: int = 0, rounds: int = 1000
) -> Comparison:
    """Whether a is cheaper than b on the same rows; the difference is positive where a is.

    Raises:
        DataError: the rows differ; or as `row_costs`.

    >>> truth = np.arange(40) % 2
    >>> good, bad = (Outcome(task="binary", classes=2, truth=truth, labels=said) for said in (truth, 0 * truth))
    >>> found = cost_difference(good, bad, np.array([[0.0, 1.0], [5.0, 0.0]]))
    >>> found.difference.value, found.verdict
    (2.5, 'better')
    """
    if a.truth.shape != b.truth.shape or not np.array_equal(a.truth, b.truth):
        raise DataError("A comparison needs the same rows in one order. Got different truths. Score both on one file.")
    left, right = row_costs(a, costs), row_costs(b, costs)
    strata: NDArray[Any] | None = a.strata
    saved, p_value = paired_difference(right, left, strata=strata, rounds=rounds, seed=seed)
    shown = p_value <= 0.05 and int((left != right).sum()) >= _DIFFERING_ROWS
    verdict: Verdict = "better" if saved.low > 0 else "worse" if saved.high < 0 else "no evidence"
    return Comparison(
        metric=METRIC,
        a=names[0],
        b=names[1],
        difference=saved,
        p_value=p_value,
        verdict=verdict if shown else "no evidence",
    )
