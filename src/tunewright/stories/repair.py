"""Try every remedy on what is learned from, keep what the measurement allows, and say so.

Each is paired with its absence over repeated folds of the rows that are not test rows; Holm's adjustment covers all
that were tried; what passes is applied one after the other, each against what stands so far; and the whole is judged
once more at the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tunewright.learning.trial import Effect, Ruler
from tunewright.plan import Plan
from tunewright.records import RemedyTrial, from_json, to_json
from tunewright.remedies import REMEDIES, Bench, Evidence, Material, Remedy
from tunewright.runfolder.context import RunContext
from tunewright.stats import holm
from tunewright.stories.audit import Examined, featurise, material_of, seen_rows
from tunewright.stories.prepare import Prepared, task_of

if TYPE_CHECKING:
    from tunewright.learning.crossfit import Learned

Array = np.ndarray[Any, np.dtype[Any]]
LEVEL = 0.025
# More rows make the interval narrower than the half point that matters, and the wait longer.
MOST_ROWS = 20_000
TOGETHER = "all_kept"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What training starts from: the rows and the plan with what was kept, a record of everything tried.

    `dropped` counts the train rows that were left out; `plan` differs from the resolved one in what remedies chose.
    """

    prepared: Prepared
    plan: Plan
    trials: tuple[RemedyTrial, ...]
    dropped: int = 0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Attempt:
    """A remedy by itself: the material with it, and what that did to the score."""

    remedy: Remedy
    material: Material
    effect: Effect


@dataclass(slots=True, kw_only=True, eq=False)
class Kept:
    """What stands so far: the remedies in the order they were applied, the material, why others were not."""

    material: Material
    remedies: list[str] = field(default_factory=list)
    why_not: dict[str, str] = field(default_factory=dict)


def mend(prepared: Prepared, examined: Examined, plan: Plan, run: RunContext) -> Mended:
    """Try the remedies for what was found, as far as the plan wants that, and apply what was kept."""
    learned = examined.learned() if plan.audit.apply == "verified" else None
    if learned is None:
        return Mended(prepared=prepared, plan=plan, trials=())
    material, trials = repair(_bench(prepared, learned, plan, run), examined.evidence(), run)
    mended = replace(prepared, typed=material.typed, table=material.table, split=material.split)
    recipe = replace(plan, preprocess=material.preprocess, balance=material.balance)
    dropped = len(prepared.split.train) - len(material.split.train)
    return Mended(prepared=mended, plan=recipe, trials=trials, dropped=dropped)


def _bench(prepared: Prepared, learned: Learned, plan: Plan, run: RunContext) -> Bench:
    """The bench on all rows that are not test rows, or on a sample of them that says enough."""
    rows = seen_rows(prepared.split)
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(prepared.seed).choice(rows, MOST_ROWS, replace=False))
    at = np.searchsorted(learned.rows, rows)

    def features(material: Material) -> Array:
        posed = replace(prepared, typed=material.typed, table=material.table)
        return featurise(posed, replace(plan, preprocess=material.preprocess), run)[2][at]

    task = task_of(prepared, plan)
    ruler = Ruler(
        task=task,
        truth=task.encode(prepared.typed[prepared.table.target].gather(rows.tolist())),
        metric=prepared.objective.metric,
        clusters=learned.clusters[at],
        seed=prepared.seed,
    )
    return Bench(ruler=ruler, rows=rows, featurise=features, base=material_of(prepared, plan))


def repair(bench: Bench, evidence: Evidence, run: RunContext) -> tuple[Material, tuple[RemedyTrial, ...]]:
    """Try the remedies; the outcome is journalled, and a continued run repeats it without measuring.

    Returns:
        The material to train on, and one record per remedy that had something to do; where any was kept, a last one
        of all of them together.
    """
    decided = run.decide("remedies", lambda: to_json(_measure(bench, evidence, run)))
    trials = tuple(from_json(RemedyTrial, line) for line in decided)
    material = bench.base
    for trial in sorted(trials, key=lambda trial: trial.order or 0):
        if trial.kept and trial.remedy != TOGETHER:
            remedy = next(remedy for remedy in REMEDIES if remedy.kind == trial.remedy)
            material = remedy.apply(material, evidence) or material
    return material, trials


def _measure(bench: Bench, evidence: Evidence, run: RunContext) -> list[RemedyTrial]:
    tried: list[Attempt] = []
    for remedy in REMEDIES:
        changed = remedy.apply(bench.base, evidence)
        if changed is not None:
            run.tell("audit", f"Trying the remedy {remedy.kind}.")
            effect = bench.effect(changed, bench.base, may_cost=remedy.rule == "repair")
            tried.append(Attempt(remedy=remedy, material=changed, effect=effect))
    if not tried:
        return []
    kept = _combine(bench, evidence, _passed(tried), {attempt.remedy.kind: attempt.material for attempt in tried})
    together = _judge_together(bench, kept, tried)
    return [_record(attempt, kept, bench.ruler.metric) for attempt in tried] + together


def _passed(tried: Sequence[Attempt]) -> list[Remedy]:
    """Those that need no score, then those that pass it after Holm's adjustment, the best first."""
    judged = [attempt for attempt in tried if attempt.remedy.rule != "always"]
    adjusted = holm([attempt.effect.p_value for attempt in judged]) if judged else ()
    passed = [attempt for attempt, p in zip(judged, adjusted, strict=True) if p < LEVEL]
    best = sorted(passed, key=lambda attempt: -attempt.effect.difference.value)
    return [one.remedy for one in tried if one.remedy.rule == "always"] + [one.remedy for one in best]


def _combine(bench: Bench, evidence: Evidence, passed: Sequence[Remedy], alone: Mapping[str, Material]) -> Kept:
    """Apply one after the other; all but the first must also pass beside those before them."""
    kept = Kept(material=bench.base)
    for remedy in passed:
        changed = remedy.apply(kept.material, evidence) if kept.remedies else alone[remedy.kind]
        if changed is None:
            kept.why_not[remedy.kind] = "another remedy already did it"
            continue
        beside = bench.effect(changed, kept.material, may_cost=remedy.rule == "repair")
        if remedy.rule == "always" or beside.p_value < LEVEL:
            kept.material = changed
            kept.remedies.append(remedy.kind)
        else:
            kept.why_not[remedy.kind] = "it gave nothing beside the others"
    return kept


def _judge_together(bench: Bench, kept: Kept, tried: Sequence[Attempt]) -> list[RemedyTrial]:
    """Judge all that passed once more; where together they lose, only what needs no score stays."""
    if not kept.remedies:
        return []
    whole = bench.effect(kept.material, bench.base, may_cost=True)
    forced = [attempt.remedy.kind for attempt in tried if attempt.remedy.rule == "always"]
    if whole.p_value >= LEVEL and len(kept.remedies) > len(forced):
        kept.why_not |= {kind: "all that passed lost together" for kind in kept.remedies if kind not in forced}
        kept.remedies = forced
    return [
        RemedyTrial(
            remedy=TOGETHER,
            rule="",
            metric=bench.ruler.metric,
            effect=whole.difference,
            p_value=whole.p_value,
            kept=bool(kept.remedies),
            order=None,
            why=", ".join(kept.remedies) or "nothing",
        )
    ]


def _record(attempt: Attempt, kept: Kept, metric: str) -> RemedyTrial:
    kind = attempt.remedy.kind
    order = kept.remedies.index(kind) + 1 if kind in kept.remedies else None
    return RemedyTrial(
        remedy=kind,
        rule=attempt.remedy.rule,
        metric=metric,
        effect=attempt.effect.difference,
        p_value=attempt.effect.p_value,
        kept=order is not None,
        order=order,
        why=kept.why_not.get(kind) or _why(attempt.remedy, kept=order is not None),
    )


def _why(remedy: Remedy, *, kept: bool) -> str:
    if remedy.rule == "always":
        return "a column that gives the answer away falsifies the score that would judge it"
    if remedy.rule == "repair":
        return "it loses less than half a point" if kept else "that it loses less than half a point was not shown"
    return "the gain is shown" if kept else "no gain was shown"
