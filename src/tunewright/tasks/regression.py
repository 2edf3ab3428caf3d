"""Regression: one number per row, learned on a standardised (or logarithmic) scale and answered in target units."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tunewright.errors import DataError
from tunewright.metrics import Outcome
from tunewright.records import TargetScale, TaskKind
from tunewright.tasks.decision import Decision

if TYPE_CHECKING:
    from torch import Tensor

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Regression:
    """Predict a number.

    Args:
        mean: of the (logarithmic) train target.
        scale: its standard deviation.
        log: learn log(1 + target).
        low: smallest train target, high: largest; answers stay within them.

    >>> task = Regression.fit(pl.Series([1.0, 3.0]))
    >>> task.encode(pl.Series([3.0])).tolist(), task.values(np.array([[1.0]])).tolist()
    ([1.0], [3.0])
    """

    mean: float
    scale: float
    log: bool
    low: float
    high: float

    @classmethod
    def fit(cls, values: pl.Series, how: TargetScale = "auto") -> Regression:
        """Learn the scale from train targets; `auto` is `standard`: a log scale predicts medians, and R² punishes that.

        Raises:
            DataError: `log` with a negative target.
        """
        numbers = values.drop_nulls().cast(pl.Float64).to_numpy()
        if how == "log":
            _refuse_negative(numbers)
        scaled = np.log1p(numbers) if how == "log" else numbers
        mean, scale = (0.0, 1.0) if how == "none" else (float(scaled.mean()), float(scaled.std()) or 1.0)
        return cls(mean=mean, scale=scale, log=how == "log", low=float(numbers.min()), high=float(numbers.max()))

    @property
    def kind(self) -> TaskKind:
        """Always regression."""
        return "regression"

    @property
    def labels(self) -> tuple[str, ...]:
        """A number has no labels."""
        return ()

    @property
    def outputs(self) -> int:
        """One."""
        return 1

    def encode(self, values: pl.Series) -> Array:
        """(n,) scaled targets, NaN where missing; in float64, since the truth is read back from them.

        Raises:
            DataError: a negative target on a logarithmic scale.
        """
        numbers = values.cast(pl.Float64).to_numpy()
        if self.log:
            _refuse_negative(numbers)
        scaled = np.log1p(numbers) if self.log else numbers
        return np.asarray((scaled - self.mean) / self.scale)

    def values(self, outputs: Array) -> Array:
        """(n,) answers in target units."""
        scaled = np.asarray(outputs, np.float64).reshape(-1) * self.scale + self.mean
        # A hair beyond the train range is rounding, not knowledge.
        return np.clip(np.expm1(scaled) if self.log else scaled, self.low, self.high)

    def loss(self, outputs_B1: Tensor, targets_B: Tensor, smoothing: float = 0.0) -> Tensor:
        """(B,) squared error on the learned scale; label smoothing has no meaning here."""
        return (outputs_B1.squeeze(-1) - targets_B.to(outputs_B1)) ** 2

    def outcome(self, targets: Array, outputs: Array, decision: Decision) -> Outcome:
        """Predictions beside the truth, both in target units."""
        scaled = targets * self.scale + self.mean
        truth = np.expm1(scaled) if self.log else scaled
        return Outcome(
            task=self.kind, truth=truth, labels=self.values(outputs), probabilities=None, classes=0, positive=None
        )

    def names(self, outcome: Outcome) -> list[str]:
        """Predicted numbers as text."""
        return [f"{value:.6g}" for value in outcome.labels]


def _refuse_negative(numbers: Array) -> None:
    """Raise where log(1 + target) is not a fair scale.

    Raises:
        DataError: a target is below 0.
    """
    low = float(np.nanmin(numbers, initial=0.0))
    if low < 0:
        raise DataError(f"preprocess.target: log needs targets >= 0. The smallest is {low:g}. Use `standard`.")
