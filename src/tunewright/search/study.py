"""A search from its first trial to its winner. Knows no trainer: it is handed a function from parameters to a score.

Scores inside are turned so that higher is better; records hold them in the metric's own direction.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace

from tunewright.errors import PlanError, TrainingError, TunewrightError
from tunewright.records import Impact, Study, Trial
from tunewright.runfolder.context import RunContext
from tunewright.search.attempt import Objective
from tunewright.search.course import Course, Setup, natural
from tunewright.search.impact import impact
from tunewright.search.options import SearchOptions
from tunewright.search.runners import Here, Processes, Runner
from tunewright.search.space import combinations
from tunewright.search.strategies import Bayesian, Grid, Random, Strategy


def run_study(
    objective: Objective,
    setup: Setup,
    options: SearchOptions,
    run: RunContext,
    *,
    elsewhere: Callable[[], Objective] | None = None,
    runner: Runner | None = None,
) -> Study:
    """Try, prune, repeat the finalists with other seeds, and say which hyperparameters matter.

    Every trial is journalled when it ends: an interrupted search goes on with the next one. With several workers, what
    is proposed also depends on which trials are under way, and so on which of them is fast.

    Args:
        objective: parameters to a score, higher is better.
        setup: space, first trial, metric, seed, time.
        options: strategy, trials, pruning, finalists, workers.
        run: journal and observer.
        elsewhere: makes the objective in another process, where there are several workers; must survive pickling.
        runner: where the trials run, in place of this machine.

    Raises:
        PlanError: the time is too short for one trial, or a grid has too many combinations.
        TrainingError: every trial failed.
    """
    if options.strategy == "grid":
        combinations(setup.dimensions)  # too many are refused now, not after the first trial
    if runner is not None:
        return _run(runner, setup, options, run)
    if options.workers == 1 or elsewhere is None:
        return _run(Here(objective), setup, options, run)
    threads = max((os.cpu_count() or 1) // options.workers, 1)
    with Processes(elsewhere, options.workers, threads) as runner:
        return _run(runner, setup, options, run)


def _run(runner: Runner, setup: Setup, options: SearchOptions, run: RunContext) -> Study:
    search = Course(runner=runner, strategy=strategy_of(options), setup=setup, options=options, run=run)
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
        trials=tuple(natural(trial, setup.sign) for trial in search.trials),
        best=replace(best, score=setup.sign * best.score, seeds=tuple(setup.sign * one for one in best.seeds)),
        impact=_most_first(found),
        seed_spread=spread,
        seconds=round(search.spent(), 3),
        why_ended=why,
    )


def strategy_of(options: SearchOptions) -> Strategy:
    """The strategy a plan names."""
    if options.strategy == "bayesian":
        return Bayesian(sampler=options.sampler)
    return Grid() if options.strategy == "grid" else Random()


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
