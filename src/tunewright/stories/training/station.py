"""The training station: one fit that validation rows steer, or a cross-validated recipe fitted on all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tunewright.evaluation.baselines import Rows
from tunewright.learning.balance import make_balance
from tunewright.learning.diagnosis import with_more_rows
from tunewright.learning.fit import Fitted, fit
from tunewright.learning.frozen import decide_precision, frozen_features
from tunewright.learning.judging import Judging
from tunewright.learning.learning_curve import Part, learning_curve
from tunewright.learning.lexical import Words, fit_lexical
from tunewright.learning.recipes import Choices, choose
from tunewright.plan import Plan
from tunewright.records import Split
from tunewright.runfolder import RunFolder
from tunewright.runfolder.context import RunContext
from tunewright.stories.auditing.examine import seen_rows
from tunewright.stories.prepare import Prepared, pose
from tunewright.stories.training.crossval import CrossValidated, cross_validate, folds_of, refit
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


def train(
    prepared: Prepared, plan: Plan, run: RunContext, folder: RunFolder, *, doubtful: Sequence[int] = ()
) -> Trained:
    """Preprocess, choose, probe, fine-tune and keep the better; with folds, as often as there are and once more.

    Args:
        prepared: the rows.
        plan: what to train and how.
        run: observer, decisions, checkpoints, stop signal.
        folder: where finished folds are kept.
        doubtful: ids of rows whose label the audit doubts; the diagnosis looks at those among the train rows.
    """
    judging, choices = judge(prepared, plan)
    for note in choices.notes:
        run.tell("train", note)
    if plan.splits.folds == 1:
        suspects = np.isin(np.array(prepared.split.train, np.int64), np.array(doubtful, np.int64))
        fitted = fit(judging, choices, run, suspects=suspects)
        held = Part(x=fitted.frozen["validation"], targets=judging.problem.targets["validation"])
        fitted = _with_curve(fitted, judging, _train_part(fitted, judging), held, run)
        rows = Rows(judging.problem, fitted.frozen, fitted.lexical, judging.judge)
        return Trained(fitted=fitted, choices=choices, rows=rows)
    return _train_folds(prepared, plan, run, folder, judging)


def judge(
    prepared: Prepared, plan: Plan, *, split: Split | None = None, task: Task | None = None
) -> tuple[Judging, Choices]:
    """The problem of a split with its balance and metric, and what was chosen for it."""
    problem = pose(prepared, plan, split=split, task=task)
    # All folds have to train the same for what they chose to be settled.
    ladder, minutes = plan.splits.folds == 1, plan.budget.minutes
    choices = choose(problem, plan.model, plan.training, plan.augment, ladder=ladder, minutes=minutes)
    metric = prepared.objective.metric
    balance = make_balance(plan.balance, problem.task, problem.targets["train"], metric=metric, seed=plan.seed)
    notes = (prepared.objective.why, *choices.notes, f"Balance: {balance.why}.")
    return Judging(problem, balance, metric), replace(choices, notes=notes)


def _train_folds(prepared: Prepared, plan: Plan, run: RunContext, folder: RunFolder, judging: Judging) -> Trained:
    problem, split = judging.problem, prepared.split
    everything = replace(split, train=tuple(seen_rows(split).tolist()), validation=())
    splits = folds_of(prepared, plan)

    def pose_fold(fold: Split) -> tuple[Judging, Choices]:
        return judge(prepared, plan, split=fold, task=problem.task)

    targets = problem.task.encode(prepared.typed[prepared.table.target])
    crossed = cross_validate(splits, pose_fold, targets=targets, folder=folder.path / "folds", run=run)
    whole, choices = judge(prepared, plan, split=everything, task=problem.task)
    fitted = refit(whole, choices, crossed, validation=split.validation, run=run)
    # Rows of the first fold are held out: those that are alike stay on one side.
    out = np.isin(np.array(everything.train), np.array(splits[0].test))
    known = _train_part(fitted, whole)
    fitted = _with_curve(fitted, whole, known.only(~out), known.only(out), run)
    rows = _baseline_rows(judging, choices, fitted, run)
    return Trained(fitted=fitted, choices=choices, rows=rows, crossed=crossed)


def _train_part(fitted: Fitted, judging: Judging) -> Part:
    return Part(x=fitted.frozen["train"], targets=judging.problem.targets["train"], weights=judging.importance())


def _with_curve(fitted: Fitted, judging: Judging, known: Part, held: Part, run: RunContext) -> Fitted:
    """The same with what more rows would give, by frozen features that are there anyway."""
    problem = judging.problem
    curve = learning_curve(problem.task, judging.metric, known, held, seed=problem.seed)
    if curve is None:
        return fitted
    run.tell("train", curve.text)
    diagnosis = fitted.trained.diagnosis
    diagnosis = None if diagnosis is None else with_more_rows(diagnosis, curve)
    return replace(fitted, trained=replace(fitted.trained, learning_curve=curve, diagnosis=diagnosis))


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
