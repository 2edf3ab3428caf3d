"""Of the remedies that were tried: which are kept, beside which others, and why, as the record of each says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from tunewright.learning.trial import Effect
from tunewright.records import RemedyTrial, Table
from tunewright.remedies import Bench, Evidence, Material, Remedy
from tunewright.stats import holm

LEVEL = 0.025
TOGETHER = "all_kept"


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


def passed(judged: Sequence[Attempt]) -> list[Attempt]:
    """Those that pass after Holm's adjustment over all that were tried, the best first."""
    adjusted = holm([attempt.effect.p_value for attempt in judged]) if judged else ()
    found = [attempt for attempt, p in zip(judged, adjusted, strict=True) if p < LEVEL]
    return sorted(found, key=lambda attempt: -attempt.effect.difference.value)


def combine(bench: Bench, evidence: Evidence, kept: Kept, judged: Sequence[Attempt]) -> None:
    """Apply what passed one after the other; all but the first must also pass beside those before them."""
    start = kept.material
    for attempt in passed(judged):
        remedy = attempt.remedy
        changed = attempt.material if kept.material is start else remedy.apply(kept.material, evidence)
        if changed is None:
            kept.why_not[remedy.kind] = "another remedy already did it"
            continue
        beside = bench.effect(changed, kept.material, may_cost=remedy.rule == "repair")
        if beside.p_value < LEVEL:
            kept.material = changed
            kept.remedies.append(remedy.kind)
        else:
            kept.why_not[remedy.kind] = "it gave nothing beside the others"


def judge_together(bench: Bench, kept: Kept, tried: Sequence[Attempt]) -> list[RemedyTrial]:
    """Judge all that passed once more; where together they lose, only what needs no score stays.

    Args:
        bench: on which they were tried.
        kept: what stands; what loses is taken out of it.
        tried: those that needed no score, which were applied first.

    Returns:
        The record of all of them together, where there are several.
    """
    if len(kept.remedies) < 2:
        return []
    forced = [attempt.remedy.kind for attempt in tried]
    start = tried[-1].material if tried and len(kept.remedies) > len(forced) else bench.base
    whole = bench.effect(kept.material, start, may_cost=True)
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


def record(attempt: Attempt, kept: Kept, bench: Bench, start: Material) -> RemedyTrial:
    """What is told of one remedy.

    Args:
        attempt: by itself.
        kept: what stands in the end.
        bench: on which it was tried.
        start: what it was compared with, unless it needed no score.
    """
    kind, metric = attempt.remedy.kind, bench.ruler.metric
    before = bench.base if attempt.remedy.rule == "always" else start
    order = kept.remedies.index(kind) + 1 if kind in kept.remedies else None
    return RemedyTrial(
        remedy=kind,
        rule=attempt.remedy.rule,
        metric=metric,
        effect=attempt.effect.difference,
        p_value=attempt.effect.p_value,
        kept=order is not None,
        order=order,
        why=kept.why_not.get(kind) or _why(attempt, kept=order is not None),
        columns=_touched(before.table, attempt.material.table),
    )


def _touched(before: Table, after: Table) -> tuple[str, ...]:
    """Columns that a remedy changed."""
    was = {column.name: column for column in before.columns}
    return tuple(column.name for column in after.columns if was.get(column.name, column) != column)


def _why(attempt: Attempt, *, kept: bool) -> str:
    rule = attempt.remedy.rule
    if rule == "always":
        return "it gives the answer away, so a score with it is none; what is lost here was never there"
    if rule == "repair":
        return "it loses less than half a point" if kept else "that it loses less than half a point was not shown"
    if not kept and attempt.effect.difference.low > 0:
        return "its interval alone is above zero, but not by the bar for everything that was tried (Holm)"
    return "the gain is shown" if kept else "no gain was shown"
