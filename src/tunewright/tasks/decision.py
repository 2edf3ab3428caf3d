"""What turns outputs into predictions, all of it chosen on validation rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The choices between a model's outputs and its answer.

    Args:
        temperature: logits are divided by it before they become probabilities (Guo et al. 2017).
        thresholds: binary: one, the probability from which the positive class is said; multilabel: one per label;
            otherwise empty.
        set_threshold: classes: the probability from which a label belongs to the set that holds the true one in 90 % of
            the rows (see `learning.decisions.set_threshold`).
        half_width: regression: half the width of the 90 % prediction interval, in target units.
    """

    temperature: float = 1.0
    thresholds: tuple[float, ...] = ()
    half_width: float | None = None
    set_threshold: float | None = None


def label_sets(probabilities: Array, said: Array, threshold: float) -> Array:
    """(n, K) which labels belong to each row's set: those likely enough, and always the one that was said.

    >>> label_sets(np.array([[0.6, 0.3, 0.1], [0.2, 0.2, 0.6]]), np.array([0, 2]), 0.25).tolist()
    [[True, True, False], [False, False, True]]
    """
    inside = probabilities >= threshold
    inside[np.arange(len(said)), said] = True
    return np.asarray(inside)
