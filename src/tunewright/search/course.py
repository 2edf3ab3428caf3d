"""The course of a search: trials begun, journalled and ended, within the time, and the finalists' further seeds."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from tunewright.records import Best, Trial, from_json, to_json
from tunewright.runfolder.context import RunContext
from tunewright.search.attempt import Job, Steps
from tunewright.search.options import SearchOptions, Value
from tunewright.search.pruning import lags
from tunewright.search.runners import Runner
from tunewright.search.space import Dimension
from tunewright.search.strategies import Strategy

SLACK = 1.05  # of the time budget: a trial that would end beyond is not begun
KEPT = 0.25  # of the time budget, at most, for the further seeds of the finalists


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


@dataclass(slots=True, kw_only=True)
class Course:
    """A search under way; scores are turned so that higher is better.

    Args:
        runner: runs trials.
        strategy: says what to try next.
        setup: space, first trial, metric, seed, time.
        options: trials, pruning, finalists.
        run: journal and observer.
        trials: that have ended, in the order of their numbers.
        repeats: of finalists, that have ended.
    """

    runner: Runner
    strategy: Strategy
    setup: Setup
    options: SearchOptions
    run: RunContext
    trials: list[Trial] = field(default_factory=list)
    repeats: list[Trial] = field(default_factory=list)

    def try_all(self) -> str:
        """Run the trials; returns why there are no more."""
        known = self.known()
        left = [number for number in range(self.options.trials) if number not in known]
        why = f"the {self.options.trials} trials of the plan"
        while left or self.runner.running:
            while left and len(self.runner.running) < self.runner.capacity:
                ended = self.begin(left.pop(0))
                if ended:
                    why, left = ended, []
            if self.runner.running:
                self.take(*self.runner.finish(self.verdict))
        return why

    def known(self) -> set[int]:
        """Numbers of the trials that an earlier sitting ended, which are taken from the journal."""
        found = set[int]()
        for number in range(self.options.trials):
            trial = self.journalled(f"trial {number}")
            if trial is not None:
                self.keep(trial)
                found.add(number)
            elif number - len(found) >= self.runner.capacity:
                break  # so many can have been under way at a time
        return found

    def begin(self, number: int) -> str:
        """Begin a trial, or say why not."""
        if self.trials and self.no_time_for(self.usual(), kept=self.kept()):
            return f"the {self.setup.minutes:g} minutes of the budget"
        started = time.monotonic()
        params: Mapping[str, Value] | None = self.setup.standard
        if number:
            under_way = [job.params for job in self.runner.running]
            params = self.strategy.propose(
                self.setup.dimensions, self.trials, under_way, seed=self.setup.seed, number=number
            )
        if params is None:
            return "the last combination of the grid"
        now = time.monotonic()
        name, seed = f"trial {number}", self.setup.seed
        self.runner.begin(
            Job(name=name, number=number, params=params, seed=seed, prunable=True, thought=now - started, begun=now)
        )
        return ""

    def take(self, job: Job, trial: Trial) -> None:
        """Journal a trial that has ended."""
        self.keep(from_json(Trial, self.run.decide(job.name, lambda: to_json(trial))))

    def keep(self, trial: Trial) -> None:
        """Add a trial to those that proposals follow from."""
        self.trials = sorted([*self.trials, trial], key=lambda one: one.number)
        shown = natural(trial, self.setup.sign)
        score = "no score" if shown.score is None else f"{self.setup.metric} {shown.score:.4f}"
        text = f"Trial {trial.number + 1} of {self.options.trials}: {score}, {trial.state}."
        self.run.tell(
            "search", text, trial=trial.number, score=shown.score, metric=self.setup.metric, state=shown.state
        )

    def journalled(self, name: str) -> Trial | None:
        """A trial of the journal, or None."""
        try:
            return from_json(Trial, self.run.decide(name, _missing))
        except _Missing:
            return None

    def verdict(self, job: Job, steps: Steps) -> str:
        """Why a trial is given up on its way, or nothing."""
        if steps and job.prunable and self.options.prune and lags(self.trials, *steps[-1]):
            return "pruned"
        return "stopped" if self.setup.minutes is not None and self.spent() > self.setup.minutes * 60 else ""

    def spent(self, *, at_least: float = 0.0) -> float:
        """Seconds of search, also of earlier sittings: those of all trials, over how many run at a time.

        Args:
            at_least: what is under way is taken to need so many seconds.
        """
        now = time.monotonic()
        ended = sum(trial.seconds for trial in (*self.trials, *self.repeats))
        under_way = sum(max(job.thought + now - job.begun, at_least) for job in self.runner.running)
        return (ended + under_way) / self.runner.capacity

    def usual(self) -> float:
        """Seconds that a trial takes."""
        return float(np.median([trial.seconds for trial in self.trials]))

    def kept(self) -> float:
        """Seconds kept for the finalists."""
        repeats = min(self.options.finalists, len(self.trials)) * (self.options.seeds - 1)
        return min(repeats * self.usual(), KEPT * 60 * (self.setup.minutes or 0.0))

    def no_time_for(self, seconds: float, *, kept: float = 0.0) -> bool:
        """Whether a trial of that length would pass the budget, less what is kept."""
        if self.setup.minutes is None:
            return False
        return self.spent(at_least=seconds) + seconds / self.runner.capacity > self.setup.minutes * 60 * SLACK - kept

    def decide_among(self, complete: Sequence[Trial]) -> tuple[Best, float | None]:
        """Give the best trials further seeds; the best mean wins. Also the spread of one seed's score.

        All get a second seed before one gets a third, and only those with the most seeds can win: what time or a
        failure left at one seed may have been lucky.
        """
        ranked = sorted(complete, key=lambda trial: -_score(trial))[: self.options.finalists]
        scores = {trial.number: [_score(trial)] for trial in ranked}
        for again in self.repeat(ranked):
            if again.score is not None:
                scores[again.number].append(again.score)
        most = max(map(len, scores.values()))
        candidates = [
            Best(params=trial.params, score=float(np.mean(scores[trial.number])), seeds=tuple(scores[trial.number]))
            for trial in ranked
            if len(scores[trial.number]) == most
        ]
        squares = [float(np.var(seeds, ddof=1)) for seeds in scores.values() if len(seeds) > 1]
        spread = float(np.mean(squares)) ** 0.5 if squares else None
        return max(candidates, key=lambda one: one.score), spread

    def repeat(self, ranked: Sequence[Trial]) -> list[Trial]:
        """The finalists with other seeds, as far as the time allows, round by round."""
        found: dict[str, Trial] = {}
        names = []
        for extra in range(1, self.options.seeds):
            seed = (self.setup.seed + extra) % 2**32
            for trial in ranked:
                names.append(name := f"finalist {trial.number} seed {seed}")
                while len(self.runner.running) == self.runner.capacity:
                    self.take_repeat(found)
                if (earlier := self.journalled(name)) is not None:
                    self.keep_repeat(found, name, earlier)
                elif not self.no_time_for(trial.seconds):
                    job = Job(name=name, number=trial.number, params=trial.params, seed=seed, prunable=False)
                    self.runner.begin(replace(job, begun=time.monotonic()))
        while self.runner.running:
            self.take_repeat(found)
        return [found[name] for name in names if name in found]

    def take_repeat(self, found: dict[str, Trial]) -> None:
        """Journal a repeat that has ended."""
        job, trial = self.runner.finish(self.verdict)
        self.keep_repeat(found, job.name, from_json(Trial, self.run.decide(job.name, lambda: to_json(trial))))

    def keep_repeat(self, found: dict[str, Trial], name: str, trial: Trial) -> None:
        """Add a repeat to those that there are."""
        found[name] = trial
        self.repeats.append(trial)
        self.run.tell("search", f"Finalist of trial {trial.number + 1}, {name.split(' ', 2)[2]}.", trial=trial.number)


class _Missing(Exception):
    """The journal holds nothing under that name."""


def _missing() -> Any:
    raise _Missing


def _score(trial: Trial) -> float:
    assert trial.score is not None
    return trial.score


def natural(trial: Trial, sign: int) -> Trial:
    """A trial with its scores in the metric's own direction."""
    steps = tuple((epoch, sign * value) for epoch, value in trial.steps)
    return replace(trial, score=None if trial.score is None else sign * trial.score, steps=steps)
