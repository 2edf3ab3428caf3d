"""From files to typed rows with a split: everything that happens before anything is fitted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tunewright.data import Reading, conform, describe, read
from tunewright.data.expressions import parse
from tunewright.data.names import suggest
from tunewright.detectors import Rows
from tunewright.errors import DataError, PlanError
from tunewright.objective import Objective, resolve
from tunewright.plan import Plan
from tunewright.records import Finding, Split, Table
from tunewright.remote import name_of
from tunewright.splits import Clusters, make_split
from tunewright.training.augment import make_augmentation, why_idle
from tunewright.training.levers import idle_levers

if TYPE_CHECKING:
    from tunewright.learning.problem import Problem
    from tunewright.tasks import Task


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """Raw rows of all given files, one after the other, and the part each row was given in, if files were given."""

    frame: pl.DataFrame
    findings: tuple[Finding, ...]
    files: tuple[str, ...]
    parts: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Rows ready to be learned from.

    Args:
        raw: all rows, as read.
        typed: all rows, cast.
        table: columns, kinds and task, inferred from rows that are not test rows.
        split: row ids per part.
        clusters: rows that repeat each other.
        findings: what reading and splitting found wrong with the data.
        objective: the metric that decides, and why.
        seed: of everything random.
    """

    raw: pl.DataFrame
    typed: pl.DataFrame
    table: Table
    split: Split
    clusters: Clusters
    findings: tuple[Finding, ...]
    objective: Objective
    seed: int

    def rows(self) -> Rows:
        """The same for detectors."""
        return Rows(
            raw=self.raw,
            typed=self.typed,
            table=self.table,
            split=self.split,
            clusters=self.clusters,
            seed=self.seed,
        )


def load_rows(plan: Plan, source: Any = None) -> Loaded:
    """Read the plan's files, or `source` in place of the train file; a `Loaded` has been read already.

    Raises:
        PlanError: no data, or no target.
        DataError: unreadable, or files with different columns.
    """
    if isinstance(source, Loaded):
        return source
    train = source if source is not None else plan.data.train
    if train is None or plan.data.target is None:
        raise PlanError(
            "A run needs data and a target. Got none. Give DATA and --target, or data.train and data.target."
        )
    given = {"train": train, "validation": plan.data.validation, "test": plan.data.test}
    readings = {part: read(where) for part, where in given.items() if where is not None}
    columns = readings["train"].frame.columns
    for part, reading in readings.items():
        missing = [name for name in columns if name not in reading.frame.columns]
        if missing:
            raise DataError(
                f"The {part} file must have the columns of the train file. {reading.file} lacks "
                f"{', '.join(missing[:5])}. Add them, or leave the file out."
            )
    parts = [part for part, reading in readings.items() for _ in range(reading.frame.height)]
    return Loaded(
        frame=pl.concat([reading.frame.select(columns) for reading in readings.values()], how="vertical_relaxed"),
        findings=_findings(readings),
        # Names, not paths: they go into the report and the bundle, which are handed on.
        files=tuple(name_of(reading.file) if reading.file else "in memory" for reading in readings.values()),
        parts=tuple(parts) if len(readings) > 1 else None,
    )


def prepare(loaded: Loaded, plan: Plan) -> Prepared:
    """Infer kinds, split, infer again without the test rows, and cast.

    The first inference sees all rows because a split must know the target; what reaches the model comes from the
    second.
    """
    assert plan.data.target is not None
    first = _describe(loaded.frame, plan, loaded.files)
    split, clusters, found = make_split(
        conform(loaded.frame, first, require_target=True),
        first,
        options=plan.splits,
        seed=plan.seed,
        parts=loaded.parts,
    )
    seen = sorted((*split.train, *split.validation))
    table = _describe(loaded.frame[seen], plan, loaded.files)
    _refuse_other_task(first, table)
    _refuse_what_is_idle(table, plan)
    typed = conform(loaded.frame, table, require_target=True)
    objective = resolve(
        plan.objective, task=table.task, class_counts=_class_counts(typed[seen], table), pair=table.pair is not None
    )
    return Prepared(
        raw=loaded.frame,
        typed=typed,
        table=table,
        split=split,
        clusters=clusters,
        findings=(*loaded.findings, *found),
        objective=objective,
        seed=plan.seed,
    )


def pose(prepared: Prepared, plan: Plan, *, split: Split | None = None, task: Task | None = None) -> Problem:
    """Fit preprocessing on the train rows and turn every part into inputs and targets.

    Args:
        prepared: the rows.
        plan: preprocessing, backbone.
        split: other parts than the run's own, for folds.
        task: learned before; None learns it from these rows.
    """
    from tunewright.learning.problem import pose_problem

    problem = pose_problem(
        prepared.typed,
        prepared.table,
        split or prepared.split,
        task=task or task_of(prepared, plan),
        preprocess=plan.preprocess,
        model=plan.model,
        seed=plan.seed,
    )
    return problem if plan.knowledge.emphasise is None else _emphasised(problem, plan.knowledge.emphasise)


def _emphasised(problem: Problem, condition: str) -> Problem:
    """The problem with train rows that meet a condition counting twice as much as the others."""
    from tunewright.analysis.acting import weighted

    weights = weighted(parse(condition).holds(problem.typed["train"]).to_numpy())
    if problem.weights is not None:
        weights = weights * problem.weights
    return replace(problem, weights=np.asarray(weights / max(float(weights.mean()), 1e-12), np.float32))


def task_of(prepared: Prepared, plan: Plan) -> Task:
    """What is predicted, learned from the run's own parts."""
    from tunewright.learning.problem import learn_task

    return learn_task(
        prepared.typed,
        prepared.table,
        prepared.split,
        target_scale=plan.preprocess.target,
        positive=prepared.objective.positive,
        costs=plan.knowledge.costs,
    )


def _refuse_other_task(with_test: Table, without: Table) -> None:
    """Test rows must not decide what is learned: with and without them the target poses one kind of task."""
    one_label = {"binary", "multiclass"}
    if with_test.task != without.task and not {with_test.task, without.task} <= one_label:
        raise DataError(
            f"The test rows' targets must be of the kind that the others are. With them {without.target!r} looks "
            f"{with_test.task}, without them {without.task}. Say which in data.columns, as in "
            f"{{{without.target}: multilabel}}."
        )


def what_trains(table: Table, plan: Plan) -> tuple[str, str, bool]:
    """What of the model trains (`model.train`; a head alone where there is no text), which head, whether there is text.

    As far as plan and columns say so: which of its rungs `model.train: auto` climbs shows only when training.
    """
    text = bool(table.features("text") or table.pair)
    others = any(column.role == "feature" and column.kind != "text" for column in table.columns)
    head = plan.model.head if plan.model.head != "auto" else "mlp" if others else "linear"
    return plan.model.train if text else "head", head, text


def _refuse_what_is_idle(table: Table, plan: Plan) -> None:
    """What the plan could not say without the columns: an augmentation, unfreezing or averaging that nothing feels."""
    augmentation = make_augmentation(plan.augment)
    method, head, text = what_trains(table, plan)
    if augmentation is not None and (why := why_idle(augmentation, method=method, head=head, text=text)):
        raise PlanError(f"augment must be none where {why}. Got {augmentation.kind}. Write none, or train more.")
    for name, why in idle_levers(plan.training, method=method, head=head):
        got = getattr(plan.training, name)
        raise PlanError(f"training.{name} must be none where {why}. Got {got}. Write none, or train more.")


def _refuse_unknown_columns(frame: pl.DataFrame, plan: Plan) -> None:
    """Every key of the plan that names a column names one that is there; all that do not are told at once."""
    named = [("data.target", plan.data.target), ("splits.group", plan.splits.group), ("splits.time", plan.splits.time)]
    named += [("splits.part", plan.splits.part), ("knowledge.weights", plan.knowledge.weights.column)]
    named += [("knowledge.never_use", name) for name in plan.knowledge.never_use]
    named += [("data.columns", name) for name in plan.data.columns]
    problems = [
        f"{key} must name columns of the data; there is no {name!r}.{suggest(name, frame.columns)}"
        for key, name in named
        if name is not None and name not in (*frame.columns, *plan.knowledge.derive)
    ]
    if problems:
        raise PlanError(" ".join(problems))


def _describe(frame: pl.DataFrame, plan: Plan, files: tuple[str, ...]) -> Table:
    _refuse_unknown_columns(frame, plan)
    named = {"group": plan.splits.group, "time": plan.splits.time, "part": plan.splits.part}
    named["weight"] = plan.knowledge.weights.column
    columns = dict(plan.data.columns) | dict.fromkeys(plan.knowledge.never_use, "ignore")
    assert plan.data.target is not None
    return describe(
        frame,
        target=plan.data.target,
        columns=columns,
        pair=plan.data.pair,
        roles={name: role for role, name in named.items() if name is not None},
        derive=plan.knowledge.derive,
        unify=plan.audit.apply == "verified",
        files=files,
    )


def _class_counts(frame: pl.DataFrame, table: Table) -> dict[str, int]:
    if table.task not in ("binary", "multiclass"):
        return {}
    counts = frame[table.target].drop_nulls().value_counts(name="\0rows").rows()
    return {str(label): int(count) for label, count in counts}


def _findings(readings: Mapping[str, Reading]) -> tuple[Finding, ...]:
    """What reading found, by row of all files, one after the other; the evidence counts the rows of its own file."""
    found: list[Finding] = []
    before = 0
    for reading in readings.values():
        found += [_moved(finding, before) for finding in reading.findings]
        before += reading.frame.height
    return tuple(found)


def _moved(finding: Finding, by: int) -> Finding:
    groups = tuple(tuple(row + by for row in group) for group in finding.groups)
    return replace(finding, rows=tuple(row + by for row in finding.rows), groups=groups)
