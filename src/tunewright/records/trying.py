"""What was tried and what it gave: remedies, hyperparameters, rounds of improvement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Literal

from tunewright.records.score import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class RemedyTrial:
    """A remedy that was tried: its measured effect, whether it was kept, as which of those kept, and why.

    `effect` is the mean difference of the metric over `effect.n` paired splits, positive where the remedy is better;
    `p_value` is one-sided, before the adjustment for all that were tried, against the bound of its `rule`. `columns`
    are those that it acts on, where a measurement or the plan chose them.
    """

    schema: ClassVar[int] = 1
    remedy: str
    rule: str
    metric: str
    effect: Score
    p_value: float
    kept: bool
    why: str
    order: int | None = None
    columns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One set of hyperparameters that was tried.

    `score` is the objective metric on validation rows in its own direction; `steps` are (epoch, metric) on the way,
    epoch 0 the probe; `state`: complete; pruned, for it lagged behind; stopped, for the time was up; failed, `why`.
    """

    number: int
    params: Mapping[str, float | str]
    score: float | None
    seconds: float
    state: Literal["complete", "pruned", "stopped", "failed"]
    steps: tuple[tuple[int, float], ...] = ()
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Best:
    """The parameters that won, the mean of their validation scores over seeds, and each seed's."""

    params: Mapping[str, float | str]
    score: float
    seeds: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Impact:
    """What a hyperparameter does to the metric: half the difference between its best and its worst values.

    `low` and `high` bound the effect; `noise_floor` is what no effect looks like.
    """

    name: str
    effect: float
    low: float
    high: float
    noise_floor: float
    matters: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Study:
    """A search: every trial in order, the winner, what each hyperparameter does.

    `seed_spread` is the standard deviation of a score over seeds, `why_ended` what ended the search.
    """

    schema: ClassVar[int] = 1
    strategy: str
    metric: str
    greater_is_better: bool
    trials: tuple[Trial, ...]
    best: Best
    impact: tuple[Impact, ...] = ()
    seed_spread: float | None = None
    seconds: float = 0.0
    why_ended: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """One round of improvement: what was seen, what was tried, what it gave on validation rows.

    `difference` is of the objective metric, positive where the change is better; None where the attempt failed.
    """

    number: int
    seen: str
    move: str
    changes: Mapping[str, float | str]
    kept: bool
    why: str
    seconds: float
    difference: Score | None = None
    p_value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Improvement:
    """All rounds, and why there are no more."""

    schema: ClassVar[int] = 1
    metric: str
    rounds: tuple[Round, ...]
    why_ended: str
