"""How far a model's own confidence can be trusted: calibration, abstaining, sets and intervals, ranking curves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunewright.records.score import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibrationBin:
    """Rows of similar confidence: the mean of it, and how many of them were right, with Wilson's interval."""

    confidence: float
    right: Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Confidence against being right on the test part, and what the temperature of validation rows did for it.

    `ece` and `brier` hold two scores each, without and with the temperature; a difference is not claimed.
    """

    temperature: float
    bins: tuple[CalibrationBin, ...]
    ece: tuple[Score, Score]
    brier: tuple[Score, Score]


@dataclass(frozen=True, slots=True, kw_only=True)
class Abstention:
    """What is right among the rows the model would answer, if it left out those it is least sure of.

    `threshold` is the confidence from which it answers, chosen on validation rows for the wanted share; `share` and
    `right` are what that gave on the test part.
    """

    wanted: float
    threshold: float
    share: Score
    right: Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A promised coverage and what the test part gave.

    Classes: the set of labels that holds the true one in `promised` of the rows; `size` is its mean size and `single`
    the share of sets with one label. Values: the prediction interval; `size` is its width.
    """

    promised: float
    covered: Score
    size: float
    single: Score | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """Points of a curve, x and y, at most 200."""

    name: str
    x: tuple[float, ...]
    y: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """What the test part says of the model's confidence; parts that a task has no use for are None or empty."""

    schema: ClassVar[int] = 1
    calibration: Calibration | None = None
    abstention: tuple[Abstention, ...] = ()
    coverage: Curve | None = None
    promise: Promise | None = None
    roc: Curve | None = None
    precision_recall: Curve | None = None
