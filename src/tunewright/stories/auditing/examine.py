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
from tunewright.records import Finding, Repair, Split
from tunewright.remedies import REMEDIES, Evidence, Material, list_repairs
from tunewright.remedies.columns import DropLeaks
from tunewright.runfolder.context import RunContext
from tunewright.splits.clusters import Clusters, clusters_among
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
        evidence: () to what remedies may go by: findings and answers as they would be if there were no test rows.
        repairs: () to what reading and preparing put right in all rows.
    """

    findings: tuple[Finding, ...]
    learned: Callable[[], Learned | None]
    evidence: Callable[[], Evidence]
    repairs: Callable[[], tuple[Repair, ...]]


def examine(prepared: Prepared, plan: Plan, run: RunContext, *, deep: bool = True) -> Examined:
    """Run every detector.

    Args:
        prepared: rows with their split.
        plan: backbone and preprocessing, from which the frozen features follow.
        run: hears progress, keeps decisions.
        deep: whether to encode the texts and learn from them; without, only what can be seen in the table.
    """
    seen = cache(lambda: _without_test(prepared))
    known = cache(lambda: learn_rows(prepared, seen(), plan, run)) if deep else _nothing
    rows = replace(prepared.rows(), learned=known)
    found = (*prepared.findings, *detect(rows))
    return Examined(
        findings=by_severity(found),
        learned=known,
        evidence=lambda: _evidence(seen(), known()),
        repairs=cache(
            lambda: list_repairs(
                prepared.raw, prepared.typed, table=prepared.table, preprocess=plan.preprocess, used=rows.used
            )
        ),
    )


def _without_test(prepared: Prepared) -> Rows:
    """The rows as if there were no test rows: two train rows may resemble each other only by way of one."""
    return replace(prepared.rows(), split=replace(prepared.split, test=()), clusters=clusters_seen(prepared))


def _evidence(seen: Rows, learned: Learned | None) -> Evidence:
    among = None if learned is None else learned.among(seen.seen)
    kinds = {kind for remedy in REMEDIES for kind in remedy.answers}
    found = detect(replace(seen, learned=lambda: among), kinds)
    return Evidence(findings=(*seen.clusters.findings, *found), learned=among)


def by_severity(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """The most serious first, otherwise as they came."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def seen_rows(split: Split) -> Array:
    """Ids of the rows that are not test rows, ascending."""
    return np.sort(np.array((*split.train, *split.validation), np.int64))


def learn_rows(prepared: Prepared, seen: Rows, plan: Plan, run: RunContext) -> Learned | None:
    """Encode all rows once (training takes them from the cache) and fit the out-of-fold probe on all but test rows.

    Args:
        prepared: all rows.
        seen: the same without test rows.
        plan: backbone and preprocessing.
        run: hears progress, keeps decisions.
    """
    from tunewright.learning.cut import cut_of
    from tunewright.learning.learned import learn

    if len(seen.seen) < FEWEST:
        return None
    run.tell("audit", "Learning from frozen features what each row looks like to the others.")
    prepared = _without_leaks(prepared, seen, plan)
    problem, ids, features = featurise(prepared, plan, run)
    targets = problem.task.encode(prepared.typed[prepared.table.target].gather(ids.tolist()))
    width = features.shape[1] - problem.inputs["train"].dense.shape[1]
    learned = learn(
        problem.task,
        rows=ids,
        features=features,
        width=width,
        targets=targets,
        fitted=np.isin(ids, seen.seen),
        clusters=seen.clusters.labels[ids],
        seed=prepared.seed,
    )
    return replace(learned, cut=cut_of(problem, prepared.split))


def _without_leaks(prepared: Prepared, seen: Rows, plan: Plan) -> Prepared:
    """A column that follows the label, right or wrong, would vouch for every wrong one."""
    evidence = Evidence(findings=LeakageTarget().find(seen), learned=None)
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
        augment=plan.augment,
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


def clusters_seen(prepared: Prepared) -> Clusters:
    """What hangs together among the rows that are not test rows: one that copies two of them must not tie these."""
    table = prepared.table
    group = next((column.name for column in table.columns if column.role == "group"), None)
    return clusters_among(prepared.typed, table, seen_rows(prepared.split), group=group)


def _nothing() -> None:
    return None
