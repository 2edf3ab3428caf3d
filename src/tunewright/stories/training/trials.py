"""One trial of a search: parameters to the objective metric on validation rows, or its mean over folds.

Test rows are not even looked at. What trials share (posed problems, frozen features, probes) is kept, so that a trial
which only moves the head costs a fraction of a second.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from tunewright.events import Event
from tunewright.features.options import PreprocessOptions
from tunewright.learning.balance import make_balance
from tunewright.learning.finetune import Start, fine_tune
from tunewright.learning.fit import fit_probe_of
from tunewright.learning.frozen import decide_precision, frozen_features
from tunewright.learning.judging import WORST, Judging
from tunewright.learning.probe import Probe
from tunewright.learning.problem import Problem
from tunewright.learning.recipes import Choices, choose
from tunewright.metrics import metric as metric_of
from tunewright.plan import Plan, with_values
from tunewright.records import BalanceKind, Split
from tunewright.runfolder.context import RunContext
from tunewright.search import Dimension
from tunewright.search.options import Value
from tunewright.stories.prepare import Prepared, pose, task_of

Array = np.ndarray[Any, np.dtype[Any]]
KEPT = 4
Report = Callable[[int, float], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Posed:
    """What a problem is posed from; trials that agree in it share the problem and its vectors."""

    preprocess: PreprocessOptions
    backbone: str
    max_length: int | Literal["auto"]
    place: int


class Trials:
    """Scores parameters; an `Objective` of `search`.

    Args:
        prepared: the rows.
        plan: what the parameters are put over.
        run: observer and stop signal; nothing of a trial is checkpointed or journalled but its score.
        splits: one for validation rows, several for folds; their test parts are not used.
    """

    def __init__(self, prepared: Prepared, plan: Plan, run: RunContext, splits: Sequence[Split]) -> None:
        self.prepared, self.plan, self.run = prepared, plan, run
        self.splits = [replace(split, test=()) for split in splits]
        self.task = task_of(prepared, plan)
        self.problem = lru_cache(KEPT)(self._problem)
        self.frozen = lru_cache(KEPT)(self._frozen)
        self.probe = lru_cache(4 * KEPT)(self._probe)

    def __call__(self, params: Mapping[str, Value], *, seed: int, report: Report) -> float:
        """The metric, turned so that higher is better; `report` hears of the first fold's epochs."""
        plan = replace(with_values(self.plan, params), seed=seed)
        scores = []
        for place in range(len(self.splits)):
            scores.append(self._score(plan, place, report if place == 0 else _deaf))
        return float(np.mean(scores))

    @property
    def sign(self) -> int:
        """1 where a higher metric is better, otherwise −1."""
        return 1 if metric_of(self.prepared.objective.metric).greater_is_better else -1

    def standard(self, dimensions: Sequence[Dimension]) -> dict[str, Value]:
        """The values that hyperparameters have without a search."""
        choices = self._choices(self.plan, self.problem(_posed(self.plan, 0)))
        return {one.name: value for one in dimensions if (value := _value(self.plan, choices, one)) is not None}

    def elsewhere(self) -> Elsewhere:
        """What makes the same in another process."""
        precision = decide_precision(self.problem(_posed(self.plan, 0)), self.run)
        return Elsewhere(prepared=self.prepared, plan=self.plan, splits=tuple(self.splits), precision=precision)

    def _score(self, plan: Plan, place: int, report: Report) -> float:
        posed = _posed(plan, place)
        problem = self.problem(posed)
        choices = self._choices(plan, problem)
        probe = self.probe(posed, choices.pooling, plan.balance, choices.probe_strength)
        report(0, _defined(probe.metric))
        judging = self._judging(replace(problem, seed=plan.seed), plan.balance)
        start = Start(self.frozen(posed, choices.pooling), probe, decide_precision(problem, self.run))

        def hear(event: Event) -> None:
            if event.what == "progress" and event.data["epoch"] > heard[-1]:
                heard.append(event.data["epoch"])
                report(heard[-1], _defined(judging.sign * event.data["metric"]))

        heard = [0]
        quiet = RunContext(observe=hear, stop=self.run.stop, memory_gb=self.run.memory_gb)
        tuned = fine_tune(judging, choices, start, quiet)
        return _defined(tuned.state.best)

    def _choices(self, plan: Plan, problem: Problem) -> Choices:
        return choose(problem, plan.model, plan.training, plan.augment)

    def _judging(self, problem: Problem, balance: BalanceKind) -> Judging:
        metric = self.prepared.objective.metric
        made = make_balance(balance, problem.task, problem.targets["train"], metric=metric, seed=problem.seed)
        return Judging(problem, made, metric)

    def _problem(self, posed: Posed) -> Problem:
        model = replace(self.plan.model, name=posed.backbone, max_length=posed.max_length)
        plan = replace(self.plan, preprocess=posed.preprocess, model=model)
        return pose(self.prepared, plan, split=self.splits[posed.place], task=self.task)

    def _frozen(self, posed: Posed, pooling: str) -> dict[str, Array]:
        problem = self.problem(posed)
        return frozen_features(problem, pooling, decide_precision(problem, self.run), self.run)

    def _probe(self, posed: Posed, pooling: str, balance: BalanceKind, strength: float | None) -> Probe:
        judging = self._judging(self.problem(posed), balance)
        return fit_probe_of(judging, self.frozen(posed, pooling), strength=strength)


def _defined(value: float) -> float:
    """A score, or not a number where the metric is undefined for what was predicted."""
    return float("nan") if value == WORST else value


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Elsewhere:
    """Makes the same `Trials` in another process.

    Args:
        prepared: the rows.
        plan: what the parameters are put over.
        splits: as for `Trials`.
        precision: as it was decided for the run: processes that each measured it might not agree.
    """

    prepared: Prepared
    plan: Plan
    splits: tuple[Split, ...]
    precision: str

    def __call__(self) -> Trials:
        """Make them."""
        limit = self.plan.budget.memory_limit
        share = None if limit is None else limit / self.plan.search.workers
        return Trials(self.prepared, self.plan, RunContext(decide=self.decide, memory_gb=share), self.splits)

    def decide(self, name: str, make: Callable[[], Any]) -> Any:
        """What the run has decided, or what is measured here."""
        return {"precision": self.precision} if name == "precision" else make()


def _posed(plan: Plan, place: int) -> Posed:
    return Posed(preprocess=plan.preprocess, backbone=plan.model.name, max_length=plan.model.max_length, place=place)


def _value(plan: Plan, choices: Choices, dimension: Dimension) -> Value | None:
    """What the plan says; for `auto` what it stands for, unless it is to be tried as such; None where nothing is."""
    recipe = choices.recipe
    decided: dict[str, Value] = {
        "model.train": choices.method,
        "model.head": choices.head,
        "model.pooling": choices.pooling,
        "training.epochs": float(recipe.epochs),
        "training.batch_tokens": float(recipe.batch_tokens),
        "training.learning_rate": recipe.learning_rate,
        "training.dropout": recipe.dropout,
        "training.ema_decay": recipe.ema_decay,
        "augment.kind": "none" if recipe.augment is None else recipe.augment.kind,
    }
    given: Any = plan
    for step in dimension.name.split("."):
        given = getattr(given, step)
    if given != "auto" or "auto" in dimension.choices:
        return given if isinstance(given, str) else float(given)
    return decided.get(dimension.name)


def _deaf(epoch: int, value: float) -> None:
    """Folds after the first are not given up half way."""
