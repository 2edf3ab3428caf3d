"""A score with its interval, and the words that records share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["text", "number", "category", "boolean", "datetime", "id", "multilabel", "ignore"]
TaskKind = Literal["binary", "multiclass", "multilabel", "regression"]
BalanceKind = Literal["auto", "none", "weights", "resample", "logit_adjustment"]
TargetScale = Literal["auto", "none", "standard", "log"]
PARTS = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A metric's value with its 95 % interval and the number of rows behind it."""

    value: float
    low: float
    high: float
    n: int
