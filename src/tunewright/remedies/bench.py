"""The bench on which changes to the data are tried: scores of a changed material, measured once each."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import polars as pl

from tunewright.learning.balance import make_balance
from tunewright.learning.crossfit import FoldSums
from tunewright.learning.probe_trial import REPEATS, probe_scores
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
from tunewright.tasks import Classification
from tunewright.training.augment import Augmentation, make_augmentation

Array = np.ndarray[Any, np.dtype[Any]]
Featured = tuple[Array, Mapping[str, slice]]
Judge = Literal["ridge", "posterior", "probe"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bench:
    """Scores materials; each is measured once by a judge, and costs as much as it differs from the base.

    Both sides of a comparison have the same judge: ridge fits; log posteriors, where either side adjusts logits; the
    probe of a run, where either side augments.

    Args:
        ruler: how every arm is scored; the labels in it are the given ones.
        rows: (m,) ids of the rows that are not test rows, in the order of everything.
        featurise: a material to its (m, F) features, and which of them are each column's.
        base: the material as it is. What its plan itself augments is not on trial, and no arm shows it.
        copy: (m, F) features of changed copies of the rows; None where texts are not augmented.
    """

    ruler: Ruler
    rows: Array
    featurise: Callable[[Material], Featured]
    base: Material
    copy: Callable[[Material, Augmentation], Array] | None = None
    _features: dict[object, Featured] = field(default_factory=dict)
    _copies: dict[object, Array] = field(default_factory=dict)
    _sums: list[Sums] = field(default_factory=list)
    _penalties: dict[Judge, float] = field(default_factory=dict)
    _scores: dict[tuple[Material, Judge, int], Array] = field(default_factory=dict)

    def effect(self, changed: Material, against: Material, *, may_cost: bool) -> Effect:
        """What a change does to the score.

        Args:
            changed: with it.
            against: without it.
            may_cost: whether half a point may be lost; otherwise a gain must be shown.
        """
        judge = self.judge(changed, against)
        if judge != "probe":
            return self._compared(changed, against, judge, 1, may_cost=may_cost)
        # Probes cost seconds: where a gain must be shown, what is no better in the first repeat is not repeated.
        for repeats in range(1, REPEATS + 1):
            found = self._compared(changed, against, judge, repeats, may_cost=may_cost)
            if found.difference.value <= 0 and not may_cost:
                break
        return found

    def _compared(self, changed: Material, against: Material, judge: Judge, repeats: int, *, may_cost: bool) -> Effect:
        base = self.scores(against, judge, repeats)
        allowed = -tolerance(self.ruler.metric, base) if may_cost else 0.0
        # One fold of the probe's chooses: what is held out is a third of what is learned from, as in four folds.
        folds = self.ruler.folds - (judge == "probe")
        return effect(self.scores(changed, judge, repeats), base, folds=folds, at_least=allowed)

    def judge(self, *materials: Material) -> Judge:
        """By what materials can be compared."""
        if any(self._augmentation(one) is not None for one in materials):
            return "probe"
        adjusted = any(one.balance == "logit_adjustment" for one in materials)
        return "posterior" if adjusted and isinstance(self.ruler.task, Classification) else "ridge"

    def scores(self, material: Material, judge: Judge = "ridge", repeats: int = 1) -> Array:
        """(k,) scores over the splits, higher is better; only those of one judge compare.

        Args:
            material: what is scored.
            judge: by what; ridge fits and log posteriors take all repeats of the ruler at once.
            repeats: of the probe's divisions into folds.
        """
        return np.concatenate([self._once(material, judge, repeat) for repeat in range(repeats)])

    def _once(self, material: Material, judge: Judge, repeat: int) -> Array:
        key = material, judge, repeat
        if key not in self._scores:
            self._scores[key] = self._measure(material, judge, repeat)
        return self._scores[key]

    def spare(self, material: Material, among: Collection[str]) -> tuple[str, ...]:
        """Columns that give nothing beside the others; chosen on folds on which nothing is judged."""
        arm, (_, blocks) = self.arm(material), self._featurised(material)
        y = learned_targets(self.ruler.task, arm.targets)
        sums = FoldSums.of(arm.x, y, self.ruler.split(self.ruler.repeats), arm.weights)
        may_go = {name: block for name, block in blocks.items() if name in among}
        return spare_columns(arm, self.ruler, penalty=self._penalty("ridge"), sums=(sums,), blocks=may_go)

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
        if balance.rows is not None:  # to a fit, a row that is there twice is a row of weight 2
            weights *= np.bincount(balance.rows, minlength=len(self.rows))
        plain = Arm(x=self._featurised(material)[0], targets=targets, weights=weights, offset=balance.offset)
        return self._augmented(plain, material)

    def _augmented(self, arm: Arm, material: Material) -> Arm:
        augmentation = self._augmentation(material)
        if augmentation is None:
            return arm
        if not augmentation.of_texts:
            return replace(arm, mix=augmentation.strength)
        assert self.copy is not None, "texts are augmented only where they can be copied"
        key = (*_featured_by(material), augmentation)
        if key not in self._copies:
            self._copies[key] = self.copy(material, augmentation)
        return replace(arm, copies=self._copies[key])

    def _augmentation(self, material: Material) -> Augmentation | None:
        return None if material.augment == self.base.augment else make_augmentation(material.augment)

    def _measure(self, material: Material, judge: Judge, repeat: int) -> Array:
        arm = self.arm(material)
        if judge == "probe":
            return probe_scores(arm, self.ruler, (repeat,))
        sums, penalty = sums_of(arm, self.ruler, like=self._started()), self._penalty(judge)
        return split_scores(arm, self.ruler, penalty, sums, posterior=judge == "posterior")

    def _started(self) -> Sums:
        """Sums of the base."""
        if not self._sums:
            self._sums.append(sums_of(self.arm(self.base), self.ruler))
        return self._sums[0]

    def _penalty(self, judge: Judge) -> float:
        """The penalty that suits the base by a judge: all arms are fitted with that one."""
        if judge not in self._penalties:
            posterior = judge == "posterior"
            chosen = choose_penalty(self.arm(self.base), self.ruler, self._started(), posterior=posterior)
            self._penalties[judge] = chosen
        return self._penalties[judge]

    def _featurised(self, material: Material) -> Featured:
        key = _featured_by(material)
        if key not in self._features:
            self._features[key] = self.featurise(material)
        return self._features[key]


def _featured_by(material: Material) -> tuple[object, ...]:
    """What features depend on."""
    used = tuple((column.name, column.empty) for column in material.table.columns if column.role == "feature")
    return used, material.preprocess
