"""A search from its first trial to its winner. Knows no trainer: it is handed a function from parameters to a score.

Scores inside are turned so that higher is better; records hold them in the metric's own direction.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import numpy as np

from tunewright.errors import PlanError, TrainingError, TunewrightError
from tunewright.records import Best, Impact, Study, Trial, from_json, to_json
from tunewright.runfolder.context import RunContext
from tunewright.search.impact import impact
from tunewright.search.options import SearchOptions, Value
from tunewright.search.pruning import lags
from tunewright.search.space import Dimension, combinations
from tunewright.search.strategies import Bayesian, Grid, Random, Strategy

SLACK = 1.05  # of the time budget: a trial that would end beyond is not begun
KEPT = 0.25  # of the time budget, at most, for the further seeds of the finalists
LONGEST = 300  # characters of why a trial failed
FAILURES = (TunewrightError, MemoryError, RuntimeError, ArithmeticError, ValueError)


class GivenUp(Exception):
    """A trial need not go on; raised by `Progress`, to be let through by the objective."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class Objective(Protocol):
    """Parameters to a score, higher is better."""

    def __call__(self, params: Mapping[str, Value], *, seed: int, report: Callable[[int, float], None]) -> float:
        """Evaluate; `report(epoch, score)` is told what stands on the way and may raise `GivenUp`.

        A score that is not finite says that there is none.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """What is searched.

    Args:
        dimensions: the hyperparameters.
        standard: the values of the first trial: good ones that need no search.
        metric: the objective metric.
        sign: 1 where a higher metric is better, otherwise −1.
        seed: of the search and of its trials.
        minutes: of search, at most; None: no limit.
    """

    dimensions: tuple[Dimension, ...]
    standard: Mapping[str, Value]
    metric: str
    sign: int
    seed: int
    minutes: float | None = None


def run_study(objective: Objective, setup: Setup, options: SearchOptions, run: RunContext) -> Study:
    """Try, prune, repeat the finalists with other seeds, and say which hyperparameters matter.

    Every trial is journalled when it ends: an interrupted search goes on with the next one.

    Args:
        objective: parameters to a score, higher is better.
        setup: space, first trial, metric, seed, time.
        options: strategy, trials, pruning, finalists.
        run: journal and observer.

    Raises:
        PlanError: the time is too short for one trial, or a grid has too many combinations.
        TrainingError: every trial failed.
    """
    if options.strategy == "grid":
        combinations(setup.dimensions)  # too many are refused now, not after the first trial
    search = _Search(objective=objective, setup=setup, options=options, run=run)
    why = search.try_all()
    complete = [trial for trial in search.trials if trial.state == "complete"]
    if not complete:
        raise _nothing(search.trials, setup)
    best, spread = search.decide_among(complete)
    found = impact(search.trials, setup.dimensions, spread=spread, seed=setup.seed)
    return Study(
        strategy=options.strategy,
        metric=setup.metric,
        greater_is_better=setup.sign > 0,
        trials=tuple(_natural(trial, setup.sign) for trial in search.trials),
        best=replace(best, score=setup.sign * best.score, seeds=tuple(setup.sign * one for one in best.seeds)),
        impact=_most_first(found),
        seed_spread=spread,
        seconds=round(search.spent, 3),
        why_ended=why,
    )


def strategy_of(options: SearchOptions) -> Strategy:
    """The strategy a plan names."""
    if options.strategy == "bayesian":
        return Bayesian(sampler=options.sampler)
    return Grid() if options.strategy == "grid" else Random()


@dataclass(slots=True, kw_only=True)
class _Search:
    objective: Objective
    setup: Setup
    options: SearchOptions
    run: RunContext
    trials: list[Trial] = field(default_factory=list)
    spent: float = 0.0

    def try_all(self) -> str:
        """Run the trials; returns why there are no more."""
        strategy = strategy_of(self.options)
        for number in range(self.options.trials):
            if self.trials and self.no_time_for(self.usual(), kept=self.kept()):
                return f"the {self.setup.minutes:g} minutes of the budget"
            if not self.add(number, strategy):
                return "the last combination of the grid"
        return f"the {self.options.trials} trials of the plan"

    def add(self, number: int, strategy: Strategy) -> bool:
        """Run one trial, or take it from the journal; False where nothing is left to try."""
        made = self.run.decide(f"trial {number}", lambda: self.proposed(number, strategy))
        if made is None:
            return False
        trial = from_json(Trial, made)
        self.trials.append(trial)
        self.spent += trial.seconds
        shown = _natural(trial, self.setup.sign)
        score = "no score" if shown.score is None else f"{self.setup.metric} {shown.score:.4f}"
        self.run.tell("search", f"Trial {number + 1} of {self.options.trials}: {score}, {trial.state}.", trial=number)
        return True

    def proposed(self, number: int, strategy: Strategy) -> Any:
        """Run what the strategy wants to try next; the time that it thinks counts as the trial's."""
        started = time.monotonic()
        params: Mapping[str, Value] | None = self.setup.standard
        if number:
            params = strategy.propose(self.setup.dimensions, self.trials, seed=self.setup.seed, number=number)
        return None if params is None else to_json(self.attempt(number, params, started=started))

    def attempt(self, number: int, params: Mapping[str, Value], *, started: float, seed: int | None = None) -> Trial:
        """Run one trial; what goes wrong in it is its own affair."""
        steps = list[tuple[int, float]]()

        def report(epoch: int, value: float) -> None:
            if math.isfinite(value):
                steps.append((epoch, value))
                if self.options.prune and seed is None and lags(self.trials, epoch, value):
                    raise GivenUp("pruned")
            if self.setup.minutes is not None and self.spent + time.monotonic() - started > self.setup.minutes * 60:
                raise GivenUp("stopped")

        score, state, why = None, "complete", ""
        try:
            score = self.objective(params, seed=self.setup.seed if seed is None else seed, report=report)
            if not math.isfinite(score):
                score, state, why = None, "failed", "The metric is undefined for what it predicts."
        except GivenUp as end:
            state = end.state
        except FAILURES as error:
            state, why = "failed", _why(error)
        seconds = round(time.monotonic() - started, 3)
        made = {"number": number, "params": dict(params), "score": score, "seconds": seconds, "state": state}
        return from_json(Trial, {**made, "steps": steps, "why": why})

    def usual(self) -> float:
        """Seconds that a trial takes."""
        return float(np.median([trial.seconds for trial in self.trials]))

    def kept(self) -> float:
        """Seconds kept for the finalists."""
        repeats = min(self.options.finalists, len(self.trials)) * (self.options.seeds - 1)
        return min(repeats * self.usual(), KEPT * 60 * (self.setup.minutes or 0.0))

    def no_time_for(self, seconds: float, *, kept: float = 0.0) -> bool:
        """Whether a trial of that length would pass the budget, less what is kept."""
        return self.setup.minutes is not None and self.spent + seconds > self.setup.minutes * 60 * SLACK - kept

    def decide_among(self, complete: Sequence[Trial]) -> tuple[Best, float | None]:
        """Give the best trials further seeds; the best mean wins. Also the spread of one seed's score.

        All get a second seed before one gets a third, and only those with the most seeds can win: what time or a
        failure left at one seed may have been lucky.
        """
        ranked = sorted(complete, key=lambda trial: -_score(trial))[: self.options.finalists]
        scores = {trial.number: [_score(trial)] for trial in ranked}
        for extra in range(1, self.options.seeds):
            for trial in ranked:
                if not self.no_time_for(trial.seconds):
                    scores[trial.number] += self.repeat(trial, (self.setup.seed + extra) % 2**32)
        most = max(map(len, scores.values()))
        candidates = [
            Best(params=trial.params, score=float(np.mean(scores[trial.number])), seeds=tuple(scores[trial.number]))
            for trial in ranked
            if len(scores[trial.number]) == most
        ]
        squares = [float(np.var(seeds, ddof=1)) for seeds in scores.values() if len(seeds) > 1]
        spread = float(np.mean(squares)) ** 0.5 if squares else None
        return max(candidates, key=lambda one: one.score), spread

    def repeat(self, trial: Trial, seed: int) -> list[float]:
        """The score of a finalist with another seed; nothing where that fails."""
        name = f"finalist {trial.number} seed {seed}"

        def make() -> Any:
            return to_json(self.attempt(trial.number, trial.params, started=time.monotonic(), seed=seed))

        again = from_json(Trial, self.run.decide(name, make))
        self.spent += again.seconds
        self.run.tell("search", f"Finalist of trial {trial.number + 1}, seed {seed}.", trial=trial.number)
        return [] if again.score is None else [again.score]


def _score(trial: Trial) -> float:
    assert trial.score is not None
    return trial.score


def _natural(trial: Trial, sign: int) -> Trial:
    steps = tuple((epoch, sign * value) for epoch, value in trial.steps)
    return replace(trial, score=None if trial.score is None else sign * trial.score, steps=steps)


def _most_first(found: Sequence[Impact]) -> tuple[Impact, ...]:
    return tuple(sorted(found, key=lambda one: -one.effect))


def _nothing(trials: Sequence[Trial], setup: Setup) -> TunewrightError:
    if all(trial.state == "stopped" for trial in trials):
        return PlanError(
            f"budget.minutes must allow one trial. {setup.minutes:g} minutes ended within the first. "
            "Give it more, or search with fewer epochs or model.train: head."
        )
    whys = list(dict.fromkeys(trial.why or f"One was {trial.state}." for trial in trials))
    return TrainingError(
        f"At least one trial of a search must succeed. All {len(trials)} failed: {' '.join(whys[:3])} "
        "Narrow the space to values that work."
    )


def _why(error: BaseException) -> str:
    """Why a trial failed, in one line; an error that is not ours is named."""
    said = " ".join(str(error).split())[:LONGEST]
    if isinstance(error, TunewrightError):
        return said
    return f"{type(error).__name__}: {said}" if said else type(error).__name__
