"""What every row of a table looks like to the others: out-of-fold answers of closed-form fits on frozen features.

Classes are told apart by linear discriminants, sets of labels and values are fitted by ridge regression. Shapes: m
rows, F features, K outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from tunewright.learning.calibration import least_loss_temperature, platt, sigmoid, softmax
from tunewright.learning.crossfit import PENALTIES, FoldSums, Learned, Moments, deal_folds
from tunewright.learning.discriminant import discriminants
from tunewright.learning.trial import learned_targets, strata_of
from tunewright.tasks import Classification, Multilabel, Task

Array = np.ndarray[Any, np.dtype[Any]]
Fits = Callable[[Moments, Sequence[float]], list[tuple[Array, Array]]]
FOLDS = 5


def learn(
    task: Task,
    *,
    rows: Array,
    features: Array,
    width: int,
    targets: Array,
    fitted: Array,
    clusters: Array,
    seed: int,
) -> Learned:
    """Predict every row by fits that never saw it.

    Rows that may be learned from are held out fold by fold; for the others (test rows) the fit of all of these answers,
    so that nothing about them reaches an answer for another row. The penalty is the one of the least loss out of fold:
    log loss of calibrated probabilities for classes, squared error otherwise. Cost: m F² for the sums, 5 F³ for the
    fits, m F K for each of the four penalties.

    Args:
        task: encodes and decides.
        rows: (m,) ids, ascending.
        features: (m, F) joined frozen vectors, then dense features.
        width: how many columns are the encoder's.
        targets: (m,) or (m, K) encoded.
        fitted: (m,) whether a row may be learned from.
        clusters: (m,) rows of one number are held out together.
        seed: of the folds.
    """
    seen, unseen = np.flatnonzero(fitted), np.flatnonzero(~fitted)
    x, y = _standardised(features, seen), learned_targets(task, targets[seen])
    known = np.ones(len(seen)) if not isinstance(task, Classification) else np.asarray(y.any(1), np.float64)
    folds = np.full(len(rows), -1)
    folds[seen] = deal_folds(clusters[seen], strata_of(task, targets[seen]), folds=FOLDS, seed=seed)
    fits: Fits = discriminants if isinstance(task, Classification) else _ridges
    outputs = np.zeros((len(rows), y.shape[1]), np.float32)
    best, outputs[seen] = _out_of_fold(x[seen], y, folds[seen], known, fits)
    if len(unseen):
        ((weight, bias),) = fits(Moments.of(x[seen], y, known), [PENALTIES[best]])
        outputs[unseen] = x[unseen] @ weight + bias
    return Learned(
        rows=rows,
        features=features,
        width=width,
        targets=targets,
        labels=task.labels,
        probabilities=_calibrated(task, outputs, targets, seen),
        folds=folds,
        clusters=clusters,
    )


def _standardised(features: Array, seen: Array) -> Array:
    """Features as they vary among the rows that may be learned from; a penalty means the same for each of them."""
    known = features[seen]
    deviation = known.std(0)
    return np.asarray((features - known.mean(0)) / np.where(deviation > 1e-6, deviation, 1.0), np.float32)


def _ridges(sums: Moments, penalties: Sequence[float]) -> list[tuple[Array, Array]]:
    return [sums.solve(penalty) for penalty in penalties]


def _out_of_fold(x: Array, y: Array, folds: Array, known: Array, fits: Fits) -> tuple[int, Array]:
    """The place of the penalty with the least loss, and (m, K) answers with it."""
    answers = np.zeros((len(PENALTIES), *y.shape), np.float32)
    for held, sums in FoldSums.of(x, y, folds, known).held_out():
        for place, (weight, bias) in enumerate(fits(sums, PENALTIES)):
            answers[place, held] = x[held] @ weight.astype(np.float32) + bias
    if fits is discriminants:
        right, rows = y.argmax(1), np.flatnonzero(known)
        losses = [least_loss_temperature(answer[rows], right[rows])[1] for answer in answers]
    else:
        losses = [float(((answer - y) ** 2).mean()) for answer in answers]
    best = int(np.argmin(losses))
    return best, answers[best]


def _calibrated(task: Task, outputs: Array, targets: Array, seen: Array) -> Array:
    """Outputs as probabilities: one temperature for classes, slope and offset for each label, fitted out of fold."""
    if isinstance(task, Classification):
        rows = seen[targets[seen] >= 0]
        return softmax(outputs / least_loss_temperature(outputs[rows], targets[rows])[0])
    if isinstance(task, Multilabel):
        slope, offset = platt(outputs[seen], targets[seen])
        return sigmoid(outputs * slope + offset)
    return outputs.astype(np.float64)
