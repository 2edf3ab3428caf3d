"""`audit`: what is wrong with the data, with evidence, before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tunewright.detectors import Rows, detect
from tunewright.detectors.leakage_target import LeakageTarget
from tunewright.plan import Plan
from tunewright.records import Finding, Split, Table
from tunewright.remedies import Evidence, Material
from tunewright.remedies.columns import DropLeaks
from tunewright.runfolder.context import RunContext
from tunewright.splits.clusters import clusters_among
from tunewright.stories.prepare import Prepared, pose

if TYPE_CHECKING:
    from tunewright.learning.crossfit import Learned
    from tunewright.learning.problem import Problem

Array = np.ndarray[Any, np.dtype[Any]]
SEVERITIES = ("error", "warning", "info")
FEWEST = 20


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Examined:
    """What the audit gives.

    Args:
        findings: of all rows, the most serious first.
        learned: () to out-of-fold answers on the rows that are not test rows, and to what all of them together say of
            the test rows; None where nothing can be learned.
    """

    findings: tuple[Finding, ...]
    learned: Callable[[], Learned | None]


def examine(prepared: Prepared, plan: Plan, run: RunContext, *, deep: bool = True) -> Examined:
    """Run every detector.

    Args:
        prepared: rows with their split.
        plan: backbone and preprocessing, from which the frozen features follow.
        run: hears progress, keeps decisions.
        deep: whether to encode the texts and learn from them; without, only what can be seen in the table.
    """
    known = cache(lambda: learn_rows(prepared, plan, run)) if deep else _nothing
    found = (*prepared.findings, *detect(replace(prepared.rows(), learned=known)))
    return Examined(findings=by_severity(found), learned=known)


def examine_seen(prepared: Prepared, learned: Learned | None) -> tuple[Finding, ...]:
    """The findings as they would be if there were no test rows: what remedies may go by."""
    typed, table, split = prepared.typed, prepared.table, replace(prepared.split, test=())
    seen = seen_rows(split)
    # Two train rows may resemble each other only by way of a test row.
    alone = clusters_among(typed, table, seen, group=_group(table))
    rows = Rows(
        raw=prepared.raw,
        typed=typed,
        table=table,
        split=split,
        clusters=alone,
        learned=lambda: learned.among(seen) if learned is not None else None,
        seed=prepared.seed,
    )
    return (*alone.findings, *detect(rows))


def by_severity(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The most serious first, otherwise as they came."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def seen_rows(split: Split) -> Array:
    """Ids of the rows that are not test rows, ascending."""
    return np.sort(np.array((*split.train, *split.validation), np.int64))


def learn_rows(prepared: Prepared, plan: Plan, run: RunContext) -> Learned | None:
    """Encode all rows once (training takes them from the cache) and fit the out-of-fold probe on all but test rows."""
    from tunewright.learning.learned import learn

    seen = seen_rows(prepared.split)
    if len(seen) < FEWEST:
        return None
    run.tell("audit", "Learning from frozen features what each row looks like to the others.")
    prepared = _without_leaks(prepared, plan)
    problem, ids, features = featurise(prepared, plan, run)
    targets = problem.task.encode(prepared.typed[prepared.table.target].gather(ids.tolist()))
    alone = clusters_among(prepared.typed, prepared.table, seen, group=_group(prepared.table))
    width = features.shape[1] - problem.inputs["train"].dense.shape[1]
    return learn(
        problem.task,
        rows=ids,
        features=features,
        width=width,
        targets=targets,
        fitted=np.isin(ids, seen),
        clusters=alone.labels[ids],
        seed=prepared.seed,
    )


def _without_leaks(prepared: Prepared, plan: Plan) -> Prepared:
    """A column that follows the label, right or wrong, would vouch for every wrong one."""
    rows = replace(prepared.rows(), split=replace(prepared.split, test=()))
    evidence = Evidence(findings=LeakageTarget().find(rows), learned=None)
    changed = DropLeaks().apply(material_of(prepared, plan), evidence)
    return prepared if changed is None else replace(prepared, typed=changed.typed, table=changed.table)


def material_of(prepared: Prepared, plan: Plan) -> Material:
    """What learning starts from, before any remedy."""
    return Material(
        typed=prepared.typed,
        table=prepared.table,
        split=prepared.split,
        preprocess=plan.preprocess,
        balance=plan.balance,
    )


def featurise(prepared: Prepared, plan: Plan, run: RunContext) -> tuple[Problem, Array, Array]:
    """The posed problem, the ids of its rows in ascending order, and their (m, F) frozen features in that order."""
    from tunewright.learning.frozen import decide_precision, frozen_features
    from tunewright.learning.recipes import choose

    problem = pose(prepared, plan)
    pooling = choose(problem, plan.model, plan.training).pooling
    by_part = frozen_features(problem, pooling, decide_precision(problem, run), run)
    ids = np.concatenate([np.array(getattr(prepared.split, part), np.int64) for part in by_part])
    order = np.argsort(ids)
    return problem, ids[order], np.concatenate(list(by_part.values()))[order]


def _group(table: Table) -> str | None:
    return next((column.name for column in table.columns if column.role == "group"), None)


def _nothing() -> None:
    return None
