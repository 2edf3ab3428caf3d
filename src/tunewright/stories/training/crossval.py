"""`splits.folds`: cross-validate the whole recipe, then fit it once more on every row that is not a test row.

In each fold the recipe is what it is in a run: part of the fold's rows is held back to choose and to stop on. What is
scored are rows that the fold neither learned from nor chose on. The choices of all folds settle the final fit, which
has no rows to choose on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tunewright.errors import DataError
from tunewright.learning.crossfit import deal_folds
from tunewright.learning.decisions import fit_decision
from tunewright.learning.fit import Fitted, fit
from tunewright.learning.judging import Judging
from tunewright.learning.settled import Settled, settle
from tunewright.metrics import Outcome, scores
from tunewright.metrics import metric as metric_of
from tunewright.records import Folds, Score, Split, from_json, to_json
from tunewright.runfolder import check_folder, read_arrays, read_json, write_arrays, write_folder, write_json
from tunewright.runfolder.context import RunContext
from tunewright.splits.strata import strata
from tunewright.splits.stratified import spread
from tunewright.stats import nadeau_bengio
from tunewright.stories.auditing.examine import clusters_seen, seen_rows
from tunewright.tasks import Task

if TYPE_CHECKING:
    from tunewright.learning.recipes import Choices
    from tunewright.plan import Plan
    from tunewright.stories.prepare import Prepared

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Fold:
    """What one fold gave.

    Args:
        rows: ids of its held-out rows.
        outputs: (r, K) of the model for them.
        probe: (r, K) of the probe.
        settled: what its validation rows chose.
    """

    rows: Array
    outputs: Array
    probe: Array
    settled: Settled


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class CrossValidated:
    """All folds together.

    Args:
        settled: the choices for the final fit.
        rows: ids of all rows that are not test rows, ascending.
        outputs: (m, K) out-of-fold outputs in their order.
        probe: (m, K) of the probe, likewise.
        metrics: of the out-of-fold answers, each fold by its own decision.
        folds: the objective metric per fold, its mean, spread and interval.
    """

    settled: Settled
    rows: Array
    outputs: Array
    probe: Array
    metrics: dict[str, Score]
    folds: Folds


def folds_of(prepared: Prepared, plan: Plan) -> list[Split]:
    """The folds of a run.

    Which rows belong together, and to which stratum, is found among the rows that are dealt: were test rows there, one
    that copies two of them would tie these together.
    """
    table, seen = prepared.table, seen_rows(prepared.split)
    codes = np.full(prepared.typed.height, -1, np.int64)
    codes[seen] = strata(prepared.typed[table.target][seen.tolist()], table.task).codes
    return fold_splits(
        prepared.split,
        clusters_seen(prepared).labels,
        codes,
        folds=plan.splits.folds,
        share=plan.splits.validation or 0.15,
        seed=plan.seed,
    )


def fold_splits(split: Split, clusters: Array, classes: Array, *, folds: int, share: float, seed: int) -> list[Split]:
    """Splits of the rows that are not test rows: in each, one fold is the test part, the others train and validate.

    Args:
        split: of all rows.
        clusters: (n,) rows of one number stay on one side.
        classes: (n,) what the folds should spread.
        folds: how many.
        share: of the other folds' rows that validate.
        seed: of the dealing.
    """
    seen = np.sort(np.array((*split.train, *split.validation), np.int64))
    held = deal_folds(clusters[seen], classes[seen], folds=folds, seed=seed)
    found = []
    for fold in range(folds):
        rest = seen[held != fold]
        parts = spread(clusters[rest], classes[rest], shares=(share, 0.0), seed=seed + fold)
        train, validation = (tuple(rest[parts == number].tolist()) for number in (0, 1))
        found.append(replace(split, train=train, validation=validation, test=tuple(seen[held == fold].tolist())))
    return found


def cross_validate(
    splits: Sequence[Split],
    judge_of: Callable[[Split], tuple[Judging, Choices]],
    *,
    targets: Array,
    folder: Path,
    run: RunContext,
) -> CrossValidated:
    """Fit the recipe on every fold; a fold that an earlier sitting finished is read back.

    Args:
        splits: one per fold.
        judge_of: poses the problem of a split.
        targets: (n,) or (n, K) encoded targets of all rows.
        folder: where finished folds are kept.
        run: observer, decisions, checkpoints, stop signal.
    """
    found, judging = [], None
    for number, split in enumerate(splits, 1):
        judging, choices = judge_of(split)
        run.tell("folds", f"Fold {number} of {len(splits)}.")
        found.append(_one(judging, choices, split, folder / f"fold-{number}", _context(run, number)))
    assert judging is not None
    return _together(found, judging.problem.task, judging.metric, targets)


def refit(
    judging: Judging, choices: Choices, crossed: CrossValidated, *, validation: Sequence[int], run: RunContext
) -> Fitted:
    """Fit the settled recipe on all rows that are not test rows.

    Args:
        judging: the problem whose train part is all of them.
        choices: what trains and how.
        crossed: what the folds settled.
        validation: ids of the run's validation rows, in the order of its problem.
        run: observer, decisions, checkpoints, stop signal.

    Returns:
        The model; its outputs for the run's validation rows are those of the folds that did not learn from them.
    """
    run.tell("folds", "Fitting on all rows that are not test rows.")
    fitted = fit(judging, choices, _context(run, 0), crossed.settled)
    at = np.searchsorted(crossed.rows, np.array(validation, np.int64))
    folds = crossed.folds
    why = f"{folds.metric} over {len(folds.values)} folds: {folds.mean.value:.4f}; epochs and strengths settled by them"
    trained = replace(fitted.trained, why=why, candidates={"out of fold": folds.mean.value}, history=())
    return replace(
        fitted,
        trained=trained,
        outputs={**fitted.outputs, "validation": crossed.outputs[at]},
        probe_outputs={**fitted.probe_outputs, "validation": crossed.probe[at]},
    )


def _context(run: RunContext, number: int) -> RunContext:
    """A fold's own place for checkpoints, and its decisions under its own name."""
    place = None if run.checkpoints is None else run.checkpoints / f"fold-{number}"
    return replace(run, checkpoints=place, decide=lambda name, make: run.decide(f"fold-{number}.{name}", make))


def _one(judging: Judging, choices: Choices, split: Split, path: Path, run: RunContext) -> Fold:
    rows = np.array(split.test, np.int64)
    if path.is_dir() and not check_folder(path):
        arrays = read_arrays(path / "outputs.safetensors")
        return Fold(
            rows=rows,
            outputs=arrays["outputs"],
            probe=arrays["probe"],
            settled=from_json(Settled, read_json(path / "settled.json")),
        )
    fitted = fit(judging, choices, run)
    fold = Fold(rows=rows, outputs=fitted.outputs["test"], probe=fitted.probe_outputs["test"], settled=fitted.settled)
    with write_folder(path) as temporary:
        write_arrays(temporary / "outputs.safetensors", {"outputs": fold.outputs, "probe": fold.probe})
        write_json(temporary / "settled.json", to_json(fold.settled))
    return fold


def _together(found: Sequence[Fold], task: Task, metric: str, targets: Array) -> CrossValidated:
    rows = np.concatenate([fold.rows for fold in found])
    order = np.argsort(rows)
    outputs = np.concatenate([fold.outputs for fold in found])[order]
    outcomes = [task.outcome(targets[fold.rows], fold.outputs, fold.settled.decision) for fold in found]
    values = [metric_of(metric).value(outcome) for outcome in outcomes]
    defined = tuple(float(value) for value in values if value is not None)
    if len(defined) < 2:
        raise DataError(
            f"At least two folds must have a defined {metric}. Got {len(defined)} of {len(found)}. Use fewer folds."
        )
    decision = fit_decision(task, outputs, targets[rows[order]], metric)
    return CrossValidated(
        settled=settle([fold.settled for fold in found], decision),
        rows=rows[order],
        outputs=outputs,
        probe=np.concatenate([fold.probe for fold in found])[order],
        metrics=scores(_pooled(outcomes)),
        folds=Folds(metric=metric, values=defined, mean=nadeau_bengio(defined, test_share=1 / len(found))),
    )


def _pooled(outcomes: Sequence[Outcome]) -> Outcome:
    """All out-of-fold answers, each decided as its own fold does."""
    first = outcomes[0]
    probabilities = [outcome.probabilities for outcome in outcomes if outcome.probabilities is not None]
    return replace(
        first,
        truth=np.concatenate([outcome.truth for outcome in outcomes]),
        labels=np.concatenate([outcome.labels for outcome in outcomes]),
        probabilities=np.concatenate(probabilities) if probabilities else None,
    )
