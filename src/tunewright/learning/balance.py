"""Balancing rare classes: row weights, resampling, or logit adjustment; fitted on train targets only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewright.records import BalanceKind
from tunewright.tasks import Multilabel, Regression, Task

Array = np.ndarray[Any, np.dtype[Any]]
BALANCED_METRICS = ("f1_macro", "balanced_accuracy", "recall_macro", "precision_macro")
MOST_REPEATS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What balancing does to training.

    Args:
        rows: train rows to use, repeated where a class is resampled, or None for all once.
        weights: (n,) per train row with mean one, or None.
        offset: (k,) added to logits in training only (Menon et al. 2021), or None.
        why: a sentence for the report.
    """

    rows: Array | None = None
    weights: Array | None = None
    offset: Array | None = None
    why: str = "rows count as they are"


def make_balance(
    how: BalanceKind,
    task: Task,
    targets: Array,
    *,
    metric: str,
    seed: int,
) -> Balance:
    """Decide on balancing.

    `auto` weights rows by the square root of their class's inverse frequency where the metric averages over classes and
    the largest class has over 3 times the rows of the smallest; otherwise nothing. Multilabel relies on its per-label
    thresholds, which do the same with less noise.
    """
    if how == "none" or isinstance(task, Regression | Multilabel):
        return Balance()
    counts = np.bincount(targets[targets >= 0], minlength=task.outputs).astype(np.float64)
    counts = np.maximum(counts, 1)
    if how == "auto":
        if metric not in BALANCED_METRICS or counts.max() <= 3 * counts.min():
            return Balance()
        return Balance(
            weights=_row_weights(targets, counts**-0.5),
            why=f"{metric} averages over classes, the largest of which has {counts.max() / counts.min():.0f} times "
            "the rows of the smallest: rows weigh by the square root of inverse frequency",
        )
    if how == "weights":
        return Balance(weights=_row_weights(targets, 1 / counts), why="rows weigh by inverse class frequency")
    if how == "logit_adjustment":
        prior = np.log(counts / counts.sum()).astype(np.float32)
        return Balance(offset=prior, why="class frequencies are added to the logits in training")
    return Balance(rows=_resampled(targets, counts, seed), why="rows of rare classes are repeated")


def _row_weights(targets: Array, per_class: Array) -> Array:
    weights = np.where(targets >= 0, per_class[targets], 0.0)
    return np.asarray(weights / weights.mean(), np.float32)


def _resampled(targets: Array, counts: Array, seed: int) -> Array:
    rng = np.random.default_rng(seed)
    repeats = np.minimum(counts.max() / counts, MOST_REPEATS)[targets]
    whole = np.floor(repeats).astype(np.int64)
    whole += rng.random(len(targets)) < repeats - whole
    return np.repeat(np.arange(len(targets)), np.where(targets >= 0, whole, 0))
