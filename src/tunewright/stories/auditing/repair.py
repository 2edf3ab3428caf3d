"""Try every remedy on what is learned from, keep what the measurement allows, and say so.

Each is paired with its absence over repeated folds of the rows that are not test rows; Holm's adjustment covers all
that were tried; what passes is applied one after the other, each against what stands so far; and the whole is judged
once more at the end. Columns that give the answer away go first: beside one, nothing else shows what it does. Columns
that the expert derived are measured in the same way and stay.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tunewright.data.expressions import parse
from tunewright.learning.trial import Ruler
from tunewright.plan import Plan
from tunewright.records import RemedyTrial, Repair, from_json, to_json
from tunewright.remedies import REMEDIES, Bench, Evidence, Material, Remedy
from tunewright.remedies.bench import Featured
from tunewright.remedies.columns import SelectColumns, may_go, without_columns
from tunewright.runfolder.context import RunContext
from tunewright.stories.auditing.augmenting import copies_of, open_augmentations
from tunewright.stories.auditing.examine import Examined, featurise, material_of, seen_rows
from tunewright.stories.auditing.weighing import TOGETHER, Attempt, Kept, combine, judge_together, record
from tunewright.stories.prepare import Prepared, task_of

if TYPE_CHECKING:
    from tunewright.learning.crossfit import Learned

Array = np.ndarray[Any, np.dtype[Any]]
# More rows make the interval narrower than the half point that matters, and the wait longer.
MOST_ROWS = 20_000
ASKED = "asked"

__all__ = ["TOGETHER", "Mended", "expert_columns", "mend", "repair"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What training starts from: the rows and the plan with what was kept, a record of everything tried.

    `repairs` are what reading put right, untried. `dropped` counts the train rows that were left out; `plan` differs
    from the resolved one in what remedies chose.
    """

    prepared: Prepared
    plan: Plan
    trials: tuple[RemedyTrial, ...]
    repairs: tuple[Repair, ...] = ()
    dropped: int = 0


def mend(prepared: Prepared, examined: Examined, plan: Plan, run: RunContext) -> Mended:
    """Try the remedies for what was found, as far as the plan wants that, and apply what was kept."""
    learned = examined.learned() if plan.audit.apply == "verified" else None
    if learned is None:
        return Mended(prepared=prepared, plan=plan, trials=(), repairs=examined.repairs())
    bench = _bench(prepared, learned, plan, run)
    may = open_augmentations(prepared.table, learned, plan, seen_rows(prepared.split))
    evidence = replace(examined.evidence(), augment=may)
    material, trials = repair(bench, evidence, run, stay=expert_columns(plan))
    mended = replace(prepared, typed=material.typed, table=material.table, split=material.split)
    recipe = replace(plan, preprocess=material.preprocess, balance=material.balance, augment=material.augment)
    dropped = len(prepared.split.train) - len(material.split.train)
    return Mended(prepared=mended, plan=recipe, trials=trials, repairs=examined.repairs(), dropped=dropped)


def _bench(prepared: Prepared, learned: Learned, plan: Plan, run: RunContext) -> Bench:
    """The bench on all rows that are not test rows, or on a sample of them that says enough."""
    rows = seen_rows(prepared.split)
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(prepared.seed).choice(rows, MOST_ROWS, replace=False))
    at = np.searchsorted(learned.rows, rows)
    task = task_of(prepared, plan)
    ruler = Ruler(
        task=task,
        truth=task.encode(prepared.typed[prepared.table.target].gather(rows.tolist())),
        metric=prepared.objective.metric,
        clusters=learned.clusters[at],
        seed=prepared.seed,
    )
    return Bench(
        ruler=ruler,
        rows=rows,
        featurise=_featured(prepared, plan, at, run),
        base=material_of(prepared, plan),
        copy=copies_of(prepared, plan, rows, run),
    )


def _featured(prepared: Prepared, plan: Plan, at: Array, run: RunContext) -> Callable[[Material], Featured]:
    """What makes features of the bench's rows, given by their places among all rows, as a material has them."""

    def features(material: Material) -> Featured:
        posed = replace(prepared, typed=material.typed, table=material.table)
        problem, _, found = featurise(posed, replace(plan, preprocess=material.preprocess), run)
        blocks = problem.preprocessor.featurizer.blocks(problem.typed["train"])
        width = found.shape[1] - problem.inputs["train"].dense.shape[1]
        return found[at], {name: slice(width + one.start, width + one.stop) for name, one in blocks.items()}

    return features


def expert_columns(plan: Plan) -> frozenset[str] | None:
    """Columns that the expert speaks of, which selection leaves in; None: there are behaviours, about any column."""
    if plan.knowledge.tests is not None:
        return None
    conditions = [*plan.knowledge.protect, *filter(None, [plan.knowledge.emphasise])]
    named = {name for condition in conditions for name in parse(condition).columns}
    return frozenset((*named, *getattr(plan.knowledge, "expect", ())))


def repair(
    bench: Bench, evidence: Evidence, run: RunContext, *, stay: Collection[str] | None = ()
) -> tuple[Material, tuple[RemedyTrial, ...]]:
    """Try the remedies; the outcome is journalled, and a continued run repeats it without measuring.

    Args:
        bench: on which they are tried.
        evidence: what they may go by.
        run: hears progress, keeps decisions.
        stay: columns that selection leaves in; None: all.

    Returns:
        The material to train on, and one record per remedy that had something to do; where any was kept, a last one
        of all of them together. Columns that the expert derived are measured beside them.
    """
    decided = run.decide("remedies", lambda: to_json(_measure(bench, evidence, run, stay)))
    trials = tuple(from_json(RemedyTrial, line) for line in decided)
    spare = (trial.columns for trial in trials if trial.remedy == SelectColumns.kind)
    evidence = replace(evidence, spare=next(spare, ()))
    material = bench.base
    for trial in sorted(trials, key=lambda trial: trial.order or 0):
        if trial.kept and trial.remedy != TOGETHER and trial.rule != ASKED:
            remedy = next(remedy for remedy in REMEDIES if remedy.kind == trial.remedy)
            material = remedy.apply(material, evidence) or material
    return material, trials


def _measure(bench: Bench, evidence: Evidence, run: RunContext, stay: Collection[str] | None) -> list[RemedyTrial]:
    forced = [remedy for remedy in REMEDIES if remedy.rule == "always"]
    tried, start = _try(bench, forced, evidence, bench.base, run), bench.base
    for attempt in tried:
        start = attempt.remedy.apply(start, evidence) or start
    asked = _asked(bench, start, run)
    among = [] if stay is None else [name for name in may_go(start.table) if name not in stay]
    evidence = replace(evidence, spare=bench.spare(start, among) if among else ())
    others = _try(bench, [remedy for remedy in REMEDIES if remedy not in forced], evidence, start, run)
    if not tried and not others:
        return asked
    kept = Kept(material=start, remedies=[attempt.remedy.kind for attempt in tried])
    combine(bench, evidence, kept, others)
    together = judge_together(bench, kept, tried)
    return [record(attempt, kept, bench, start) for attempt in (*tried, *others)] + asked + together


def _try(
    bench: Bench, remedies: Sequence[Remedy], evidence: Evidence, against: Material, run: RunContext
) -> list[Attempt]:
    """Each by itself, against the same: what no leak decides is only seen without the leak."""
    tried: list[Attempt] = []
    for remedy in remedies:
        changed = remedy.apply(against, evidence)
        if changed is not None:
            run.tell("audit", f"Trying the remedy {remedy.kind}.")
            effect = bench.effect(changed, against, may_cost=remedy.rule == "repair")
            tried.append(Attempt(remedy=remedy, material=changed, effect=effect))
    return tried


def _asked(bench: Bench, start: Material, run: RunContext) -> list[RemedyTrial]:
    """What each column that the expert derived gives beside all others: told, not judged, for it was asked for."""
    features = [column for column in start.table.columns if column.role == "feature"]
    found = []
    for column in features if len(features) > 1 else ():
        if column.derived is None:
            continue
        run.tell("audit", f"Measuring the derived column {column.name}.")
        lacking = without_columns(start, {column.name}, why="left out for comparison")
        effect = bench.effect(start, lacking, may_cost=False)
        found.append(
            RemedyTrial(
                remedy="derive",
                rule=ASKED,
                metric=bench.ruler.metric,
                effect=effect.difference,
                p_value=effect.p_value,
                kept=True,
                why=f"asked for: {column.derived}",
                columns=(column.name,),
            )
        )
    return found
