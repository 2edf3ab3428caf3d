"""The bench on which changes to the data are tried: scores of a changed material, measured once each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, Protocol, TypeVar, cast

import numpy as np
import polars as pl

from tunewright.features.options import PreprocessOptions
from tunewright.learning.balance import make_balance
from tunewright.learning.trial import Arm, Effect, Ruler, choose_penalty, effect, split_scores, tolerance
from tunewright.records import Split, Table

Array = np.ndarray[Any, np.dtype[Any]]
How = Literal["auto", "none", "weights", "resample", "logit_adjustment"]


class Stuff(Protocol):
    """What the bench reads of a material."""

    @property
    def typed(self) -> pl.DataFrame:
        """All rows, cast."""
        ...

    @property
    def table(self) -> Table:
        """Columns with kinds and roles."""
        ...

    @property
    def split(self) -> Split:
        """Row ids per part."""
        ...

    @property
    def preprocess(self) -> PreprocessOptions:
        """How cells become features."""
        ...

    @property
    def balance(self) -> str:
        """What is done about rare classes."""
        ...


S = TypeVar("S", bound=Stuff)


@dataclass(slots=True, kw_only=True, eq=False)
class Bench(Generic[S]):
    """Scores materials.

    Args:
        ruler: how every arm is scored; the labels in it are the given ones.
        rows: (m,) ids of the rows that are not test rows, in the order of everything.
        featurise: a material to its (m, F) features.
        base: the material as it is.
    """

    ruler: Ruler
    rows: Array
    featurise: Callable[[S], Array]
    base: S
    penalty: float | None = None
    _features: dict[object, Array] = field(default_factory=dict)
    _scores: list[tuple[S, Array]] = field(default_factory=list)

    def effect(self, changed: S, against: S, *, may_cost: bool) -> Effect:
        """What a change does to the score.

        Args:
            changed: with it.
            against: without it.
            may_cost: whether half a point may be lost; otherwise a gain must be shown.
        """
        base = self.scores(against)
        allowed = -tolerance(self.ruler.metric, base) if may_cost else 0.0
        return effect(self.scores(changed), base, folds=self.ruler.folds, at_least=allowed)

    def scores(self, material: S) -> Array:
        """(k,) scores over the splits, higher is better."""
        for known, scores in self._scores:
            if known is material:
                return scores
        if self.penalty is None:
            self.penalty = choose_penalty(self.arm(self.base), self.ruler)
        scores = split_scores(self.arm(material), self.ruler, self.penalty)
        self._scores.append((material, scores))
        return scores

    def arm(self, material: S) -> Arm:
        """Features, targets and weights of all rows; a row that no part names any more weighs nothing."""
        ids = self.rows.tolist()
        targets = self.ruler.task.encode(material.typed[material.table.target].gather(ids))
        weights = np.isin(self.rows, (*material.split.train, *material.split.validation)).astype(np.float64)
        for name in (column.name for column in material.table.columns if column.role == "weight"):
            weights *= material.typed[name].gather(ids).cast(pl.Float64).fill_null(1.0).to_numpy().clip(0)
        how = cast(How, material.balance)
        balance = make_balance(how, self.ruler.task, targets, metric=self.ruler.metric, seed=self.ruler.seed)
        if balance.weights is not None:
            weights *= balance.weights
        return Arm(x=self._featurised(material), targets=targets, weights=weights)

    def _featurised(self, material: S) -> Array:
        used = tuple(column.name for column in material.table.columns if column.role == "feature")
        key = (used, material.preprocess)
        if key not in self._features:
            self._features[key] = self.featurise(material)
        return self._features[key]
