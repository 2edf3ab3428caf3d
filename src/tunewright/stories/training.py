"""The training station: one fit that validation rows steer, or a cross-validated recipe fitted on all of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tunewright.evaluation.baselines import Rows
from tunewright.learning.balance import make_balance
from tunewright.learning.fit import Fitted, fit
from tunewright.learning.frozen import decide_precision, frozen_features
from tunewright.learning.judging import Judging
from tunewright.learning.lexical import Words, fit_lexical
from tunewright.learning.recipes import Choices, choose
from tunewright.plan import Plan
from tunewright.records import Split
from tunewright.runfolder import RunFolder
from tunewright.runfolder.context import RunContext
from tunewright.splits.strata import strata
from tunewright.stories.audit import seen_rows
from tunewright.stories.crossval import CrossValidated, cross_validate, fold_splits, refit
from tunewright.stories.prepare import Prepared, pose
from tunewright.tasks import Task

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trained:
    """What training gives.

    Args:
        fitted: the kept model.
        choices: what was decided automatically, and why.
        rows: what baselines may be fitted on.
        crossed: the folds, where the plan asks for them.
    """

    fitted: Fitted
    choices: Choices
    rows: Rows
    crossed: CrossValidated | None = None


def train(prepared: Prepared, plan: Plan, run: RunContext, folder: RunFolder) -> Trained:
    """Preprocess, choose, probe, fine-tune and keep the better; with folds, as often as there are and once more."""
    judging, choices = judge(prepared, plan)
    for note in choices.notes:
        run.tell("train", note)
    if plan.splits.folds == 1:
        fitted = fit(judging, choices, run)
        rows = Rows(judging.problem, fitted.frozen, fitted.lexical, judging.judge)
        return Trained(fitted=fitted, choices=choices, rows=rows)
    return _train_folds(prepared, plan, run, folder, judging)


def judge(
    prepared: Prepared, plan: Plan, *, split: Split | None = None, task: Task | None = None
) -> tuple[Judging, Choices]:
    """The problem of a split with its balance and metric, and what was chosen for it."""
    problem = pose(prepared, plan, split=split, task=task)
    choices = choose(problem, plan.model, plan.training, plan.augment)
    metric = prepared.objective.metric
    balance = make_balance(plan.balance, problem.task, problem.targets["train"], metric=metric, seed=plan.seed)
    notes = (prepared.objective.why, *choices.notes, f"Balance: {balance.why}.")
    return Judging(problem, balance, metric), replace(choices, notes=notes)


def _train_folds(prepared: Prepared, plan: Plan, run: RunContext, folder: RunFolder, judging: Judging) -> Trained:
    problem, split = judging.problem, prepared.split
    everything = replace(split, train=tuple(seen_rows(split).tolist()), validation=())
    splits = fold_splits(
        split,
        prepared.clusters.labels,
        strata(prepared.typed[prepared.table.target], prepared.table.task).codes,
        folds=plan.splits.folds,
        share=plan.splits.validation or 0.15,
        seed=plan.seed,
    )

    def pose_fold(fold: Split) -> tuple[Judging, Choices]:
        return judge(prepared, plan, split=fold, task=problem.task)

    targets = problem.task.encode(prepared.typed[prepared.table.target])
    crossed = cross_validate(splits, pose_fold, targets=targets, folder=folder.path / "folds", run=run)
    whole, choices = judge(prepared, plan, split=everything, task=problem.task)
    fitted = refit(whole, choices, crossed, validation=split.validation, run=run)
    rows = _baseline_rows(judging, choices, fitted, run)
    return Trained(fitted=fitted, choices=choices, rows=rows, crossed=crossed)


def _baseline_rows(judging: Judging, choices: Choices, fitted: Fitted, run: RunContext) -> Rows:
    """Baselines choose on the run's validation rows; the words model then answers from all rows, as the model does."""
    problem = judging.problem
    chosen = fit_lexical(problem, judging.judge, judging.importance())
    words = chosen
    if chosen is not None and fitted.lexical is not None:
        outputs = {"validation": chosen.outputs["validation"], "test": fitted.lexical.outputs["test"]}
        words = Words(chosen.model, {**chosen.outputs, **outputs}, chosen.strength)
    frozen = frozen_features(problem, choices.pooling, decide_precision(problem, run), run)
    return Rows(problem, frozen, words, judging.judge)
