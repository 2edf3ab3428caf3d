"""The threshold of a binary task where many are chosen one after the other: at a cost that is not one of rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from tunewright.learning.decisions import GRID, THRESHOLD_FREE, middle_of_plateau
from tunewright.metrics import Outcome
from tunewright.metrics import metric as metric_of
from tunewright.tasks import Classification, Decision

Array = np.ndarray[Any, np.dtype[Any]]


def fit_threshold(task: Classification, outputs: Array, targets: Array, metric: str) -> Decision:
    """Choose the threshold that `fit_decision` would choose at temperature 1.

    A threshold is judged by four counts, of each class and of each answer; all thresholds are judged at once, as
    weights of four rows.

    Args:
        task: binary.
        outputs: (n, 2).
        targets: (n,) class numbers, −1 unknown.
        metric: the objective metric.
    """
    if task.costs or task.positive is None or metric in THRESHOLD_FREE:
        return Decision()
    known = targets >= 0
    positive = task.labels.index(task.positive)
    probabilities = task.probabilities(outputs[known], Decision())[:, positive]
    place = np.searchsorted(GRID, probabilities, side="right")  # thresholds up to the row's probability
    counts = np.stack([np.bincount(place[targets[known] == k], minlength=len(GRID) + 1) for k in (0, 1)])
    beyond = counts.sum(1, keepdims=True) - counts.cumsum(1)[:, :-1]  # (2, thresholds) rows said to be positive
    said = np.stack([counts.sum(1, keepdims=True) - beyond, beyond], 1)  # (2, not positive or positive, thresholds)
    answers = np.array([1 - positive, positive])
    outcome = Outcome(
        task="binary", truth=np.repeat([0, 1], 2), labels=np.tile(answers, 2), classes=2, positive=positive
    )
    values = metric_of(metric).resampled(outcome)(said.reshape(4, -1).T.astype(np.float32))
    return Decision(thresholds=(middle_of_plateau(np.nan_to_num(values)),))
