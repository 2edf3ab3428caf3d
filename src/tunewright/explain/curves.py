"""Deletion and insertion: whether the answer falls fastest when what is said to matter goes, and rises when it comes.

Source: Petsiuk, Das & Saenko (2018), RISE; Samek et al. (2017), Evaluating the visualization of what a deep neural
network has learned (areas against random orders).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewright.explain.aim import Aim
from tunewright.explain.asking import Asker
from tunewright.explain.cases import Case

Array = np.ndarray[Any, np.dtype[Any]]
POINTS = 6  # of a curve, beside its start
PAIRS = 2  # of orders that stand for chance, each with itself backwards


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Areas:
    """(n,) areas under both curves of every case: of an order by weight, and the mean over random orders."""

    deletion: Array
    insertion: Array
    deletion_random: Array
    insertion_random: Array


def areas(
    asker: Asker, cases: Sequence[Case], aims: Sequence[Aim], weights: Sequence[Array], *, seed: int = 0
) -> Areas:
    """Areas of every case, of the label's probability (regression: of the value in standard deviations).

    Args:
        asker: the model.
        cases: rows with at least two units each.
        aims: what was explained of each.
        weights: (U + C,) of each case.
        seed: of the random orders; the same seed draws the same for every method.
    """
    rng = np.random.default_rng(seed)
    orders = [
        [np.argsort(-own, kind="stable"), *_by_chance(case.units, rng)]
        for case, own in zip(cases, weights, strict=True)
    ]
    asked = asker.ask([(case, _masks(case.units, own)) for case, own in zip(cases, orders)])
    found = []
    for aim, answer, own in zip(aims, asked, orders):
        levels = aim.level(answer).mean(1).reshape(2, len(own), -1)
        found.append((levels[..., 1:] + levels[..., :-1]).mean(-1) / 2)
    table = np.stack(found)
    return Areas(
        deletion=table[:, 0, 0],
        insertion=table[:, 1, 0],
        deletion_random=table[:, 0, 1:].mean(1),
        insertion_random=table[:, 1, 1:].mean(1),
    )


def _by_chance(units: int, rng: np.random.Generator) -> list[Array]:
    """Random orders and the same backwards: what one leaves in, the other has taken out, so half as much is asked."""
    drawn = [rng.permutation(units) for _ in range(PAIRS)]
    return [order for one in drawn for order in (one, one[::-1])]


def _masks(units: int, orders: Sequence[Array]) -> Array:
    """Masks of deletion for every order, then of insertion; each curve has the same points."""
    counts = np.unique(np.round(np.linspace(0, units, min(POINTS, units) + 1)).astype(int))
    ranks = [np.argsort(order) for order in orders]
    gone = [[rank < count for count in counts] for rank in ranks]
    come = [[rank >= count for count in counts] for rank in ranks]
    return np.array([*gone, *come], bool).reshape(-1, units)
