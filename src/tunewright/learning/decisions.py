"""Decisions fitted on validation outputs: temperature, thresholds, the width of a prediction interval."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from tunewright.metrics import metric as metric_of
from tunewright.tasks import Classification, Decision, Multilabel, Regression, Task

Array = np.ndarray[Any, np.dtype[Any]]
GRID = np.linspace(0.02, 0.98, 49)
FEWEST_POSITIVES = 5
COVERAGE = 0.9
# Metrics that no threshold improves: they read probabilities, or 0.5 is right for them.
THRESHOLD_FREE = ("accuracy", "roc_auc", "log_loss", "brier", "average_precision", "ece")


def fit_decision(task: Task, outputs: Array, targets: Array, metric: str) -> Decision:
    """Choose what lies between outputs and answers, for `metric`, on validation rows.

    Args:
        task: the task.
        outputs: (n, K) of the validation rows.
        targets: as `task.encode` gives them.
        metric: the objective metric.
    """
    if isinstance(task, Regression):
        return _interval(task, outputs, targets)
    if isinstance(task, Multilabel):
        return _label_thresholds(task, outputs, targets, metric)
    known = targets >= 0
    temperature = _temperature(task, outputs[known], targets[known])
    plain = Decision(temperature=temperature)
    if known.any():
        probabilities = task.probabilities(outputs[known], plain)
        plain = replace(plain, set_threshold=round(set_threshold(probabilities, targets[known]), 9))
    if task.costs or task.positive is None or metric in THRESHOLD_FREE:
        return plain
    ranked = np.sort(task.probabilities(outputs, plain)[:, task.labels.index(task.positive)])
    # Thresholds between the same two rows answer alike.
    _, firsts, places = np.unique(np.searchsorted(ranked, GRID), return_index=True, return_inverse=True)
    tried = (replace(plain, thresholds=(float(t),)) for t in GRID[firsts])
    values = [metric_of(metric).quick(task.outcome(targets, outputs, one)) or 0.0 for one in tried]
    return replace(plain, thresholds=(middle_of_plateau(np.array(values)[places]),))


def set_threshold(probabilities: Array, targets: Array, coverage: float = COVERAGE) -> float:
    """The probability from which a label belongs to the answer's set, so that sets hold the true label often enough.

    Split conformal prediction with least ambiguous sets (Sadinle, Lei & Wasserman 2019): the ⌈(n + 1) · coverage⌉-th
    greatest probability given to the truth on n validation rows; 0, every label, where there are too few rows.

    Args:
        probabilities: (n, K) of the validation rows.
        targets: (n,) class numbers.
        coverage: share of rows whose set is to hold the true label.

    >>> p = np.array([[0.9, 0.1]] * 9 + [[0.2, 0.8]])
    >>> set_threshold(p, np.zeros(10, int), 0.8)
    0.9
    """
    given = np.sort(probabilities[np.arange(len(targets)), targets])[::-1]
    place = int(np.ceil((len(given) + 1) * coverage))
    return 0.0 if place > len(given) else float(given[place - 1])


def _interval(task: Regression, outputs: Array, targets: Array) -> Decision:
    """Split conformal prediction (Lei et al. 2018): the 90 % quantile of absolute residuals, with its n + 1.

    None where there are too few rows to promise 90 %: of eight, the largest residual covers 89 %.
    """
    outcome = task.outcome(targets, outputs, Decision())
    residuals = np.sort(np.abs(outcome.truth - outcome.labels))
    place = int(np.ceil((len(residuals) + 1) * COVERAGE))
    return Decision() if place > len(residuals) else Decision(half_width=float(residuals[place - 1]))


def _temperature(task: Classification, outputs: Array, targets: Array) -> float:
    """The temperature of the least log loss (Guo et al. 2017), against targets smoothed as by Platt 1999.

    n right answers in a row do not prove certainty: one more than 1 − 1 / (n + 2) is not asked for. Without that, a
    validation part without mistakes would sharpen every answer to 1.0.
    """
    from scipy.optimize import minimize_scalar

    rows, spread = np.arange(len(targets)), 1 / (len(targets) + 2)

    def loss(log_temperature: float) -> float:
        probabilities = task.probabilities(outputs, Decision(temperature=float(np.exp(log_temperature))))
        logs = np.log(np.maximum(probabilities, 1e-300))
        return float(-((1 - spread) * logs[rows, targets] + spread * logs.mean(1)).mean())

    found = minimize_scalar(loss, bounds=(-3.0, 3.0), method="bounded")
    return round(float(np.exp(found.x)), 6)


def _label_thresholds(task: Multilabel, outputs: Array, targets: Array, metric: str) -> Decision:
    """Per label the threshold of the best F1; labels with few positives share the threshold that is best for all."""
    probabilities = task.probabilities(outputs, Decision())
    f1 = np.stack([_f1_per_label(targets, probabilities >= threshold) for threshold in GRID])
    if metric in ("f1_micro", "f1_samples", "accuracy"):
        shared = [
            metric_of(metric).quick(task.outcome(targets, outputs, Decision(thresholds=(float(t),) * len(task.labels))))
            or 0.0
            for t in GRID
        ]
        return Decision(thresholds=(middle_of_plateau(np.array(shared)),) * len(task.labels))
    common = middle_of_plateau(f1.mean(1))
    enough = targets.sum(0) >= FEWEST_POSITIVES
    return Decision(
        thresholds=tuple(middle_of_plateau(f1[:, k]) if enough[k] else common for k in range(len(task.labels)))
    )


def _f1_per_label(targets: Array, said: Array) -> Array:
    hits = (said * targets).sum(0)
    return np.asarray(2 * hits / np.maximum(said.sum(0) + targets.sum(0), 1))


def middle_of_plateau(values: Array) -> float:
    """The middle of the stretch of thresholds around the best one that is within half a point of it.

    The single best threshold of a finite sample is noise; the middle of what is as good holds up on new rows.
    """
    best = int(values.argmax())
    good = values >= values[best] - 0.005
    low = high = best
    while low > 0 and good[low - 1]:
        low -= 1
    while high < len(values) - 1 and good[high + 1]:
        high += 1
    return round(float((GRID[low] + GRID[high]) / 2), 6)
