"""What the plan says about search, improvement, and how much time there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tunewright.planfile.checks import above, at_least

Value = float | str


@dataclass(frozen=True, slots=True, kw_only=True)
class DimensionOptions:
    """The values of one hyperparameter: a range of numbers, or choices.

    Args:
        low: the least value.
        high: the greatest value.
        log: whether equal ratios are equal steps.
        choices: the values themselves, in place of a range.
        when: only where other hyperparameters have one of these values: `{model.train: [full, lora]}`.

    >>> DimensionOptions(low=1e-5, high=1e-3, log=True).choices
    ()
    """

    low: float | None = None
    high: float | None = None
    log: bool = False
    choices: tuple[Value, ...] = ()
    when: Mapping[str, tuple[Value, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchOptions:
    """How hyperparameters are searched for.

    Args:
        strategy: none; grid (every combination, ranges at five points), random, or bayesian.
        trials: at most so many.
        space: values by hyperparameter, named as in the plan (`training.learning_rate`, or `learning_rate` where that
            is clear); a list is a choice. Empty: a space that suits the data.
        sampler: of the bayesian strategy: tpe (any space) or gp (few numbers, no conditions).
        prune: whether a trial that lags behind the others at the same point is given up (successive halving).
        finalists: the best trials, which are run with further seeds, so that luck is not promoted.
        seeds: how many seeds each finalist gets.
        workers: trials at a time, each in a process of its own with its share of the cores and the rows in its memory;
            what is tried then also depends on which trials end first.

    >>> SearchOptions(strategy="random").trials
    20
    """

    strategy: Literal["none", "grid", "random", "bayesian"] = "none"
    trials: int = field(default=20, metadata={"check": at_least(1, example=20)})
    space: Mapping[str, DimensionOptions | tuple[Value, ...]] = field(default_factory=dict)
    sampler: Literal["tpe", "gp"] = "tpe"
    prune: bool = True
    finalists: int = field(default=3, metadata={"check": at_least(1, example=3)})
    seeds: int = field(default=3, metadata={"check": at_least(1, example=3)})
    workers: int = field(default=1, metadata={"check": at_least(1, example=2)})


@dataclass(frozen=True, slots=True, kw_only=True)
class ImproveOptions:
    """How often the system may try to do better by itself.

    Args:
        rounds: of diagnosing, trying what promises most for its cost, and keeping it where validation rows show a gain;
            each is a training. 0: none.

    >>> ImproveOptions().rounds
    0
    """

    rounds: int = field(default=0, metadata={"check": at_least(0, example=3)})


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetOptions:
    """What a run may take: time and memory.

    Args:
        minutes: of search, and again of improvement, at most; `model.train: auto` begins no further rung that would end
            later than that after the probe was begun; null: as long as they take.
        memory_gb: of memory, in GB of 1e9 bytes, that the process may hold while it trains (of the GPU, where there is
            one); batches that do not fit are computed in parts. auto: what is free on the machine, in its container and
            under its limits, less a tenth.

    >>> BudgetOptions().minutes is None
    True
    """

    minutes: float | None = field(default=None, metadata={"check": above(0, example=10)})
    memory_gb: float | Literal["auto"] = field(default="auto", metadata={"check": above(0, example=4)})

    @property
    def memory_limit(self) -> float | None:
        """`memory_gb` as a number, or None for what the machine has."""
        return None if self.memory_gb == "auto" else float(self.memory_gb)
