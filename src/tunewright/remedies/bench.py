"""The bench on which changes to the data are tried: scores of a changed material, measured once each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from tunewright.learning.balance import make_balance
from tunewright.learning.crossfit import FoldSums
from tunewright.learning.selection import spare_columns
from tunewright.learning.trial import (
    Arm,
    Effect,
    Ruler,
    Sums,
    choose_penalty,
    effect,
    learned_targets,
    split_scores,
    sums_of,
    tolerance,
)
from tunewright.remedies.material import Material

Array = np.ndarray[Any, np.dtype[Any]]
Featured = tuple[Array, Mapping[str, slice]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bench:
    """Scores materials; each is measured once, and costs as much as it differs from the base.

    Args:
        ruler: how every arm is scored; the labels in it are the given ones.
        rows: (m,) ids of the rows that are not test rows, in the order of everything.
        featurise: a material to its (m, F) features, and which of them are each column's.
        base: the material as it is.
    """

    ruler: Ruler
    rows: Array
    featurise: Callable[[Material], Featured]
    base: Material
    _features: dict[object, Featured] = field(default_factory=dict)
    _start: list[tuple[Sums, float]] = field(default_factory=list)
    _scores: dict[Material, Array] = field(default_factory=dict)

    def effect(self, changed: Material, against: Material, *, may_cost: bool) -> Effect:
        """What a change does to the score.

        Args:
            changed: with it.
            against: without it.
            may_cost: whether half a point may be lost; otherwise a gain must be shown.
        """
        base = self.scores(against)
        allowed = -tolerance(self.ruler.metric, base) if may_cost else 0.0
        return effect(self.scores(changed), base, folds=self.ruler.folds, at_least=allowed)

    def scores(self, material: Material) -> Array:
        """(k,) scores over the splits, higher is better."""
        if material not in self._scores:
            sums, penalty = self._started()
            arm = self.arm(material)
            self._scores[material] = split_scores(arm, self.ruler, penalty, sums_of(arm, self.ruler, like=sums))
        return self._scores[material]

    def spare(self, material: Material, among: Collection[str]) -> tuple[str, ...]:
        """Columns that give nothing beside the others; chosen on folds on which nothing is judged."""
        arm, (_, blocks) = self.arm(material), self._featurised(material)
        y = learned_targets(self.ruler.task, arm.targets)
        sums = FoldSums.of(arm.x, y, self.ruler.split(self.ruler.repeats), arm.weights)
        may_go = {name: block for name, block in blocks.items() if name in among}
        return spare_columns(arm, self.ruler, penalty=self._started()[1], sums=(sums,), blocks=may_go)

    def arm(self, material: Material) -> Arm:
        """Features, targets and weights of all rows; a row that no part names any more weighs nothing."""
        ids = self.rows.tolist()
        targets = self.ruler.task.encode(material.typed[material.table.target].gather(ids))
        weights = np.isin(self.rows, (*material.split.train, *material.split.validation)).astype(np.float64)
        for name in (column.name for column in material.table.columns if column.role == "weight"):
            weights *= material.typed[name].gather(ids).cast(pl.Float64).fill_null(1.0).to_numpy().clip(0)
        balance = make_balance(
            material.balance, self.ruler.task, targets, metric=self.ruler.metric, seed=self.ruler.seed
        )
        if balance.weights is not None:
            weights *= balance.weights
        if balance.rows is not None:  # to a ridge fit, a row that is there twice is a row of weight 2
            weights *= np.bincount(balance.rows, minlength=len(self.rows))
        return Arm(x=self._featurised(material)[0], targets=targets, weights=weights, offset=balance.offset)

    def _started(self) -> tuple[Sums, float]:
        """Sums of the base, and the penalty that suits it: all arms are fitted with that one."""
        if not self._start:
            arm = self.arm(self.base)
            sums = sums_of(arm, self.ruler)
            self._start.append((sums, choose_penalty(arm, self.ruler, sums)))
        return self._start[0]

    def _featurised(self, material: Material) -> Featured:
        used = tuple((column.name, column.empty) for column in material.table.columns if column.role == "feature")
        key = (used, material.preprocess)
        if key not in self._features:
            self._features[key] = self.featurise(material)
        return self._features[key]
