"""Search strategies: what to try next, given what was tried. `STRATEGIES` is the table of them.

Each is a function of the trials so far and of (seed, number), so that a search which was interrupted goes on as it
would have.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

import numpy as np

from tunewright.records import Trial
from tunewright.search.options import Value
from tunewright.search.space import Dimension, combinations, in_order

if TYPE_CHECKING:
    from optuna.samplers import BaseSampler
    from optuna.trial import Trial as OptunaTrial

Running = Sequence[Mapping[str, Value]]


class Strategy(Protocol):
    """A frozen dataclass whose fields are its knobs."""

    kind: ClassVar[str]

    def propose(
        self, dimensions: Sequence[Dimension], past: Sequence[Trial], running: Running = (), *, seed: int, number: int
    ) -> dict[str, Value] | None:
        """The next parameters, or None where nothing is left to try.

        Args:
            dimensions: the space.
            past: trials that ended.
            running: parameters of those that are under way.
            seed: of the search.
            number: of the trial.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """Every combination once, in an order drawn at random: a grid that is cut short is a fair sample of it."""

    kind: ClassVar[str] = "grid"

    def propose(
        self, dimensions: Sequence[Dimension], past: Sequence[Trial], running: Running = (), *, seed: int, number: int
    ) -> dict[str, Value] | None:
        """The next combination that was not tried."""
        every = combinations(dimensions)
        tried = [*(dict(trial.params) for trial in past), *map(dict, running)]
        order = np.random.default_rng(seed).permutation(len(every)).tolist()
        return next((every[place] for place in order if every[place] not in tried), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Random:
    """Independent draws (Bergstra and Bengio 2012)."""

    kind: ClassVar[str] = "random"

    def propose(
        self, dimensions: Sequence[Dimension], past: Sequence[Trial], running: Running = (), *, seed: int, number: int
    ) -> dict[str, Value] | None:
        """Draw."""
        from optuna.samplers import RandomSampler

        return ask(RandomSampler(seed=stream(seed, number)), dimensions, ())


@dataclass(frozen=True, slots=True, kw_only=True)
class Bayesian:
    """Where the trials so far promise most: a tree-structured Parzen estimator, or a Gaussian process.

    Args:
        sampler: tpe (Bergstra et al. 2011; any space) or gp (few numbers, no conditions).
        startup: draws at random before that.
    """

    kind: ClassVar[str] = "bayesian"
    sampler: Literal["tpe", "gp"] = "tpe"
    startup: int = 5

    def propose(
        self, dimensions: Sequence[Dimension], past: Sequence[Trial], running: Running = (), *, seed: int, number: int
    ) -> dict[str, Value] | None:
        """Ask the sampler."""
        from optuna.exceptions import ExperimentalWarning
        from optuna.samplers import GPSampler, TPESampler

        drawn = stream(seed, number)
        sampler: BaseSampler
        with warnings.catch_warnings(action="ignore", category=ExperimentalWarning):
            if self.sampler == "gp":
                sampler = GPSampler(seed=drawn, n_startup_trials=self.startup, warn_independent_sampling=False)
            else:
                conditional = any(dimension.when for dimension in dimensions)
                sampler = TPESampler(
                    seed=drawn,
                    n_startup_trials=self.startup,
                    multivariate=True,
                    group=conditional,
                    constant_liar=bool(running),  # what is under way is taken for poor, so as not to crowd there
                )
        return ask(sampler, dimensions, past, running)


STRATEGIES: tuple[type[Strategy], ...] = (Grid, Random, Bayesian)


def stream(seed: int, number: int) -> int:
    """A seed of its own for each trial."""
    return int(np.random.SeedSequence([seed, number]).generate_state(1)[0])


def ask(
    sampler: BaseSampler, dimensions: Sequence[Dimension], past: Sequence[Trial], running: Running = ()
) -> dict[str, Value]:
    """Let a sampler choose, knowing the trials that ended with a score, were given up on the way, or are under way."""
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    distributions = {dimension.name: _distribution(dimension) for dimension in dimensions}
    for trial in past:
        if trial.state == "failed" or not fits(trial.params, dimensions):
            continue
        known = {name: distributions[name] for name in trial.params}
        state = optuna.trial.TrialState.COMPLETE if trial.state == "complete" else optuna.trial.TrialState.PRUNED
        study.add_trial(
            optuna.create_trial(
                state=state,
                params=dict(trial.params),
                distributions=known,
                value=trial.score,
                intermediate_values=dict(trial.steps),
            )
        )
    for params in running:
        if fits(params, dimensions):
            known = {name: distributions[name] for name in params}
            state = optuna.trial.TrialState.RUNNING
            study.add_trial(optuna.create_trial(state=state, params=dict(params), distributions=known))
    asked = study.ask()
    chosen: dict[str, Value] = {}
    for dimension in in_order(dimensions):
        if dimension.holds(chosen):
            chosen[dimension.name] = _suggest(asked, dimension)
    return chosen


def fits(params: Mapping[str, Value], dimensions: Sequence[Dimension]) -> bool:
    """Whether a trial lies in the space; the first one, of standard values, need not."""
    by_name = {dimension.name: dimension for dimension in dimensions}
    for name, value in params.items():
        one = by_name.get(name)
        if one is None:
            return False
        if not one.takes(value):
            return False
    return True


def _distribution(dimension: Dimension) -> Any:
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    if dimension.choices:
        return CategoricalDistribution(dimension.choices)
    if dimension.whole:
        return IntDistribution(int(dimension.low), int(dimension.high), log=dimension.log)
    return FloatDistribution(dimension.low, dimension.high, log=dimension.log)


def _suggest(trial: OptunaTrial, dimension: Dimension) -> Value:
    if dimension.choices:
        chosen = trial.suggest_categorical(dimension.name, dimension.choices)
        return chosen if isinstance(chosen, str) else float(chosen or 0)
    if dimension.whole:
        return trial.suggest_int(dimension.name, int(dimension.low), int(dimension.high), log=dimension.log)
    return trial.suggest_float(dimension.name, dimension.low, dimension.high, log=dimension.log)
