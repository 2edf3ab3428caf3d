"""What a metric needs to know of each row: whether it is right, its loss, its confidence, its rank."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tunewright.metrics.outcome import Array, Outcome

BINS = 15


def right(outcome: Outcome) -> NDArray[np.bool_]:
    """(n,) whether each row's label, or all of its labels, are right."""
    same = outcome.truth == outcome.labels
    return np.asarray(same.all(axis=1) if same.ndim == 2 else same)


def normalised(outcome: Outcome) -> Array:
    """(n, k) probabilities in float64 whose rows sum to one (float32 ones only nearly do)."""
    assert outcome.probabilities is not None
    wide = np.clip(outcome.probabilities.astype(np.float64), 0.0, None)
    total = wide.sum(axis=1, keepdims=True)
    return np.where(total > 0, wide / np.where(total > 0, total, 1.0), 1.0 / outcome.classes)


def row_log_loss(outcome: Outcome) -> Array:
    """(n,) minus the log of the probability given to the truth, in nats; NaN for an unseen label."""
    chosen = normalised(outcome)[np.arange(outcome.rows), np.maximum(outcome.truth, 0)]
    loss = -np.log(np.clip(chosen, np.finfo(np.float64).eps, 1.0))
    return np.where(outcome.known, loss, np.nan)


def row_brier(outcome: Outcome) -> Array:
    """(n,) squared error of the probabilities: of the positive class (binary), summed over classes (multiclass)."""
    error = normalised(outcome)
    error[np.arange(outcome.rows), np.maximum(outcome.truth, 0)] -= 1.0
    total = (error**2).sum(axis=1) / (2.0 if outcome.task == "binary" else 1.0)
    return np.where(outcome.known, total, np.nan)


def confidence_bins(outcome: Outcome) -> tuple[NDArray[np.int64], Array]:
    """(n,) confidence bin of each row, -1 for unseen labels, and (n,) confidence − correctness."""
    confidence = normalised(outcome)[np.arange(outcome.rows), outcome.labels]
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    return np.where(outcome.known, bins, -1), confidence - right(outcome)


def row_f1(outcome: Outcome) -> Array:
    """(n,) F1 of each row's label set; 0 where neither truth nor prediction names a label, as in scikit-learn."""
    both = (outcome.truth * outcome.labels).sum(axis=1)
    named = outcome.truth.sum(axis=1) + outcome.labels.sum(axis=1)
    return np.where(named > 0, 2 * both / np.maximum(named, 1), 0.0)


def columns(outcome: Outcome) -> tuple[Sequence[Array], Sequence[Array]]:
    """Truth (booleans) and probability, (n,) each, of every class with known rows inside and outside.

    Binary: of the positive class only.
    """
    assert outcome.probabilities is not None
    wanted = [outcome.positive_class] if outcome.task == "binary" else range(outcome.classes)
    table = outcome.truth if outcome.truth.ndim == 2 else None
    truths = [outcome.truth == c if table is None else table[:, c] > 0 for c in wanted]
    scores = [outcome.probabilities[:, c] for c in wanted]
    known = outcome.known
    judged = [0 < int(truth[known].sum()) < int(known.sum()) for truth in truths]
    return [t for t, ok in zip(truths, judged) if ok], [s for s, ok in zip(scores, judged) if ok]
