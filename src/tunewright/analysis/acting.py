"""What to do about a slice: one of four actions, by a rule of measured facts; and its train rows made to weigh more.

Shapes: n rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewright.analysis.conditions import Slicing
from tunewright.analysis.facts import Facts
from tunewright.records import SliceAction
from tunewright.stats import mcnemar

Array = np.ndarray[Any, np.dtype[Any]]
FEW_ROWS = 50  # train rows below which more of them are asked for first
SMALL_SHARE = 0.05  # of the train rows, below which the loss hardly hears of a slice
SUSPECTS, SUSPECTS_TIMES, SUSPECTS_ROWS = 0.05, 2.0, 3  # share of doubtful labels, over the share elsewhere, and rows
LEVEL = 0.05
FACTOR = 2.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Evidence:
    """What is known of a slice.

    Args:
        train_rows: of it.
        train_share: of the train rows that they are.
        suspects: how many labels in it are doubtful, among the rows that are not test rows.
        suspect_share: of its rows that they are.
        suspect_share_elsewhere: the same of the other rows.
        errors: (k,) of the model in the slice.
        rival: (k,) of the simpler model on frozen features, for the same rows, or None.
    """

    train_rows: int
    train_share: float
    suspects: int
    suspect_share: float
    suspect_share_elsewhere: float
    errors: Array
    rival: Array | None = None


def action_for(evidence: Evidence) -> tuple[SliceAction, str]:
    """The action, and why, as a sentence.

    In this order. Many doubtful labels, and more than elsewhere: look at the labels before anything is taught. Few
    train rows: collect more. A simpler model errs less there, so what it takes is in the data; or the rows are so few
    of all that the loss hardly hears of them: weigh them more. Otherwise rows are there and no model at hand does
    better: what tells them apart is missing, so derive a feature.

    >>> few = Evidence(
    ...     train_rows=9, train_share=0.1, suspects=0, suspect_share=0.0, suspect_share_elsewhere=0.0, errors=np.ones(9)
    ... )
    >>> action_for(few)
    ('collect more', 'Only 9 train rows are like these.')
    """
    doubtful = evidence.suspects >= SUSPECTS_ROWS and evidence.suspect_share >= SUSPECTS
    if doubtful and evidence.suspect_share >= SUSPECTS_TIMES * evidence.suspect_share_elsewhere:
        return "inspect labels", (
            f"{evidence.suspects} labels in it are doubtful, {_percent(evidence.suspect_share)} of its rows "
            f"({_percent(evidence.suspect_share_elsewhere)} elsewhere)."
        )
    if evidence.train_rows < FEW_ROWS:
        return "collect more", f"Only {evidence.train_rows} train rows are like these."
    if evidence.rival is not None and _better(evidence.rival, evidence.errors):
        return "reweight", (
            f"The probe errs less there ({evidence.rival.mean():.3g} against {evidence.errors.mean():.3g}): "
            "what it takes is in the data."
        )
    if evidence.train_share < SMALL_SHARE:
        share = _percent(evidence.train_share)
        return "reweight", f"Its {evidence.train_rows} train rows are {share} of all: the loss hardly hears of them."
    return "derive a feature", (
        f"{evidence.train_rows} train rows are like these, and the probe does no better: "
        "what tells them apart may not be among the columns."
    )


def emphasis(slicing: Slicing, train: Facts, *, factor: float = FACTOR) -> Array:
    """(n,) weights of train rows with mean one: those in the slice count `factor` times as much as the others.

    Args:
        slicing: which rows.
        train: of the n train rows.
        factor: above 0.
    """
    return weighted(slicing.holds(train), factor=factor)


def weighted(mask: Array, *, factor: float = FACTOR) -> Array:
    """(n,) float32 weights with mean one; rows of the mask count `factor` times as much.

    >>> weighted(np.array([True, False, False]), factor=4.0).tolist()
    [2.0, 0.5, 0.5]
    """
    weights = np.where(mask, factor, 1.0)
    return np.asarray(weights / weights.mean(), np.float32)


def _better(rival: Array, errors: Array) -> bool:
    """Whether the rival errs less by the exact sign test on rows where they differ (McNemar's for 0 and 1)."""
    better, worse = rival < errors, rival > errors
    return bool(better.sum() > worse.sum() and mcnemar(better, worse) < LEVEL)


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %" if share < 0.1 else f"{100 * share:.0f} %"
