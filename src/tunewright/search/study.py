"""A search from its first trial to its winner. Knows no trainer: it is handed a function from parameters to a score.

Scores inside are turned so that higher is better; records hold them in the metric's own direction.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from tunewright.errors import PlanError, TrainingError, TunewrightError
from tunewright.records import Best, Impact, Study, Trial, from_json, to_json
from tunewright.runfolder.context import RunContext
from tunewright.search.impact import impact
from tunewright.search.options import SearchOptions, Value
from tunewright.search.pruning import lags
from tunewright.search.space import Dimension
from tunewright.search.strategies import Bayesian, Grid, Random, Strategy

SLACK = 1.05  # of the time budget: a trial that would end beyond is not begun


class GivenUp(Exception):
    """A trial need not go on; raised by `Progress`, to be let through by the objective."""

    def __init__(self, state: str) -> None:
        super().__init__(state)
        self.state = state


class Objective(Protocol):
    """Parameters to a score, higher is better."""

    def __call__(self, params: Mapping[str, Value], *, seed: int, report: Callable[[int, float], None]) -> float:
        """Evaluate; `report(epoch, score)` is told what stands on the way and may raise `GivenUp`."""
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
        PlanError: the time is too short for one trial.
        TrainingError: every trial failed.
    """
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
            if self.time_is_up():
                return f"the {self.setup.minutes:g} minutes of the budget"
            params = dict(self.setup.standard) if number == 0 else self.propose(strategy, number)
            if params is None:
                return "nothing was left to try"
            self.add(number, params)
        return f"the {self.options.trials} trials of the plan"

    def propose(self, strategy: Strategy, number: int) -> dict[str, Value] | None:
        """What the strategy wants to try next."""
        return strategy.propose(self.setup.dimensions, self.trials, seed=self.setup.seed, number=number)

    def add(self, number: int, params: Mapping[str, Value]) -> None:
        """Run one trial, or take it from the journal."""
        made = self.run.decide(f"trial {number}", lambda: to_json(self.attempt(number, params)))
        trial = from_json(Trial, made)
        self.trials.append(trial)
        self.spent += trial.seconds
        shown = _natural(trial, self.setup.sign)
        score = "no score" if shown.score is None else f"{self.setup.metric} {shown.score:.4f}"
        self.run.tell("search", f"Trial {number + 1} of {self.options.trials}: {score}, {trial.state}.", trial=number)

    def attempt(self, number: int, params: Mapping[str, Value], *, seed: int | None = None) -> Trial:
        """Run one trial; what goes wrong in it is its own affair."""
        started, steps = time.monotonic(), list[tuple[int, float]]()

        def report(epoch: int, value: float) -> None:
            steps.append((epoch, value))
            if self.options.prune and seed is None and lags(self.trials, epoch, value):
                raise GivenUp("pruned")
            if self.time_is_up(now=time.monotonic() - started):
                raise GivenUp("stopped")

        score, state, why = None, "complete", ""
        try:
            score = self.objective(params, seed=self.setup.seed if seed is None else seed, report=report)
            if not math.isfinite(score) or score <= -1e9:
                score, state, why = None, "failed", "The metric is undefined for what it predicts."
        except GivenUp as end:
            state = end.state
        except (TunewrightError, MemoryError) as error:
            state, why = "failed", str(error) or type(error).__name__
        seconds = round(time.monotonic() - started, 3)
        made = {"number": number, "params": dict(params), "score": score, "seconds": seconds, "state": state}
        return from_json(Trial, {**made, "steps": steps, "why": why})

    def time_is_up(self, *, now: float = 0.0) -> bool:
        """Whether another trial (or, `now` seconds into one, its next epoch) would pass the budget."""
        if self.setup.minutes is None:
            return False
        limit = self.setup.minutes * 60
        if now:
            return self.spent + now > limit
        usual = float(np.median([trial.seconds for trial in self.trials])) if self.trials else 0.0
        return bool(self.trials) and self.spent + usual > limit * SLACK

    def decide_among(self, complete: Sequence[Trial]) -> tuple[Best, float | None]:
        """Give the best trials further seeds; the best mean wins. Also the spread of one seed's score."""
        ranked = sorted(complete, key=lambda trial: -_score(trial))[: self.options.finalists]
        candidates: list[Best] = []
        for trial in ranked:
            scores = [_score(trial)]
            for extra in range(1, self.options.seeds):
                if self.time_is_up():
                    break
                scores += self.repeat(trial, self.setup.seed + extra)
            candidates.append(Best(params=trial.params, score=float(np.mean(scores)), seeds=tuple(scores)))
        squares = [float(np.var(one.seeds, ddof=1)) for one in candidates if len(one.seeds) > 1]
        spread = float(np.mean(squares)) ** 0.5 if squares else None
        return max(candidates, key=lambda one: one.score), spread

    def repeat(self, trial: Trial, seed: int) -> list[float]:
        """The score of a finalist with another seed; nothing where that fails."""
        name = f"finalist {trial.number} seed {seed}"
        made = self.run.decide(name, lambda: to_json(self.attempt(trial.number, trial.params, seed=seed)))
        again = from_json(Trial, made)
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
    if any(trial.state == "stopped" for trial in trials):
        return PlanError(
            f"budget.minutes must allow one trial. {setup.minutes:g} minutes ended within the first. "
            "Give it more, or search with fewer epochs or model.train: head."
        )
    whys = list(dict.fromkeys(trial.why for trial in trials))
    return TrainingError(
        f"At least one trial of a search must succeed. All {len(trials)} failed: {' '.join(whys[:3])} "
        "Narrow the space to values that work."
    )
