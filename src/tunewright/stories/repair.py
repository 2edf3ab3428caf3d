"""Try every remedy on what is learned from, keep what the measurement allows, and say so.

Each is paired with its absence over repeated folds of the rows that are not test rows; Holm's adjustment covers all
that were tried; what passes is applied one after the other, each against what stands so far; and the whole is judged
once more at the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tunewright.learning.bench import Bench, How
from tunewright.learning.trial import Effect, Ruler
from tunewright.plan import Plan
from tunewright.records import RemedyTrial, from_json, to_json
from tunewright.remedies import REMEDIES, Evidence, Material, Remedy
from tunewright.runfolder.context import RunContext
from tunewright.stats import holm
from tunewright.stories.audit import examine_seen, featurise, material_of, seen_rows
from tunewright.stories.prepare import Prepared, pose

if TYPE_CHECKING:
    from tunewright.learning.crossfit import Learned

Array = np.ndarray[Any, np.dtype[Any]]
LEVEL = 0.025
# More rows make the interval narrower than the half point that matters, and the wait longer.
MOST_ROWS = 20_000
TOGETHER = "all_kept"
Tried = list[tuple[Remedy, Material, Effect]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mended:
    """What training starts from: the rows and the plan with what was kept, a record of everything tried.

    `dropped` counts the train rows that were left out; `plan` differs from the resolved one in what remedies chose.
    """

    prepared: Prepared
    plan: Plan
    trials: tuple[RemedyTrial, ...]
    dropped: int = 0


def mend(prepared: Prepared, learned: Learned | None, plan: Plan, run: RunContext) -> Mended:
    """Try the remedies for what was found, as far as the plan wants that, and apply what was kept."""
    if plan.audit.apply == "none" or learned is None:
        return Mended(prepared=prepared, plan=plan, trials=())
    evidence = Evidence(findings=examine_seen(prepared, learned), learned=learned.among(seen_rows(prepared.split)))
    material, trials = repair(_bench(prepared, learned, plan, run), evidence, run)
    mended = replace(prepared, typed=material.typed, table=material.table, split=material.split)
    recipe = replace(plan, preprocess=material.preprocess, balance=cast(How, material.balance))
    dropped = len(prepared.split.train) - len(material.split.train)
    return Mended(prepared=mended, plan=recipe, trials=trials, dropped=dropped)


def _bench(prepared: Prepared, learned: Learned, plan: Plan, run: RunContext) -> Bench[Material]:
    """The bench on all rows that are not test rows, or on a sample of them that says enough."""
    rows = seen_rows(prepared.split)
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(prepared.seed).choice(rows, MOST_ROWS, replace=False))
    base = material_of(prepared, plan)
    at = np.searchsorted(learned.rows, rows)

    def features(material: Material) -> Array:
        posed = replace(prepared, typed=material.typed, table=material.table)
        return featurise(posed, replace(plan, preprocess=material.preprocess), run)[2][at]

    posed = pose(prepared, plan)
    ruler = Ruler(
        task=posed.task,
        truth=posed.task.encode(prepared.typed[prepared.table.target].gather(rows.tolist())),
        metric=prepared.objective.metric,
        clusters=learned.clusters[at],
        seed=prepared.seed,
    )
    return Bench(ruler=ruler, rows=rows, featurise=features, base=base)


def repair(bench: Bench[Material], evidence: Evidence, run: RunContext) -> tuple[Material, tuple[RemedyTrial, ...]]:
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


def _measure(bench: Bench[Material], evidence: Evidence, run: RunContext) -> list[RemedyTrial]:
    tried: Tried = []
    for remedy in REMEDIES:
        changed = remedy.apply(bench.base, evidence)
        if changed is not None:
            run.tell("audit", f"Trying the remedy {remedy.kind}.")
            tried.append((remedy, changed, bench.effect(changed, bench.base, may_cost=remedy.rule == "repair")))
    if not tried:
        return []
    kept, current, reasons = _combine(bench, evidence, _passed(tried), tried)
    together = []
    if kept:
        whole = bench.effect(current, bench.base, may_cost=True)
        forced = [remedy.kind for remedy, *_ in tried if remedy.rule == "always"]
        if whole.p_value >= LEVEL and len(kept) > len(forced):
            reasons |= {kind: "all that passed lost together" for kind in kept if kind not in forced}
            kept = forced
        together = [_record(TOGETHER, "", whole, bench, order=None, why=", ".join(kept) or "nothing", kept=bool(kept))]
    lines = [
        _record(
            remedy.kind,
            remedy.rule,
            found,
            bench,
            order=kept.index(remedy.kind) + 1 if remedy.kind in kept else None,
            why=reasons.get(remedy.kind) or _why(remedy, kept=remedy.kind in kept),
            kept=remedy.kind in kept,
        )
        for remedy, _, found in tried
    ]
    return [*lines, *together]


def _passed(tried: Tried) -> list[Remedy]:
    """Those that need no score, then those that pass it after Holm's adjustment, the best first."""
    judged = [(remedy, found) for remedy, _, found in tried if remedy.rule != "always"]
    adjusted = holm([found.p_value for _, found in judged]) if judged else ()
    passed = [pair for pair, p in zip(judged, adjusted, strict=True) if p < LEVEL]
    best = sorted(passed, key=lambda pair: -pair[1].difference.value)
    return [remedy for remedy, *_ in tried if remedy.rule == "always"] + [remedy for remedy, _ in best]


def _combine(
    bench: Bench[Material], evidence: Evidence, passed: Sequence[Remedy], tried: Tried
) -> tuple[list[str], Material, dict[str, str]]:
    """Apply one after the other; all but the first must also pass beside those before them."""
    alone: Mapping[str, Material] = {remedy.kind: material for remedy, material, _ in tried}
    kept: list[str] = []
    current, reasons = bench.base, dict[str, str]()
    for remedy in passed:
        changed = remedy.apply(current, evidence) if kept else alone[remedy.kind]
        if changed is None:
            reasons[remedy.kind] = "another remedy already did it"
            continue
        beside = bench.effect(changed, current, may_cost=remedy.rule == "repair")
        if remedy.rule == "always" or beside.p_value < LEVEL:
            current = changed
            kept.append(remedy.kind)
        else:
            reasons[remedy.kind] = "it gave nothing beside the others"
    return kept, current, reasons


def _why(remedy: Remedy, *, kept: bool) -> str:
    if remedy.rule == "always":
        return "a column that gives the answer away falsifies the score that would judge it"
    if remedy.rule == "repair":
        return "it loses less than half a point" if kept else "that it loses less than half a point was not shown"
    return "the gain is shown" if kept else "no gain was shown"


def _record(
    name: str, rule: str, found: Effect, bench: Bench[Material], *, order: int | None, why: str, kept: bool
) -> RemedyTrial:
    return RemedyTrial(
        remedy=name,
        rule=rule,
        metric=bench.ruler.metric,
        effect=found.difference,
        p_value=found.p_value,
        kept=kept,
        order=order,
        why=why,
    )
