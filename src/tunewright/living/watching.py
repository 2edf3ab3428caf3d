"""One look, or several, at rows that came after training: drift, and what the model is worth on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tunewright.bundle.model import FittedModel
from tunewright.bundle.reference import Reference, drawn
from tunewright.living.drift import TESTS, Drifts, find_drift
from tunewright.living.drift.aspects import Aspect, effect_of
from tunewright.living.drift.deciding import LEVEL
from tunewright.living.drift.intervals import IntervalScan
from tunewright.living.estimate import effective_rows, estimate, estimate_errors, importance
from tunewright.living.rows import MOST_UNLIKE, answers_of, aspects_of, table_of, unlike
from tunewright.living.sequence import Evidence
from tunewright.metrics import names_for, scores
from tunewright.records import ColumnDrift, DriftReport, Look, Score

Array = np.ndarray[Any, np.dtype[Any]]
FEWEST = 20
ESTIMATED = ("accuracy", "f1_macro", "f1_micro", "mean_absolute_error", "root_mean_squared_error")
THIN = 30.0  # effective labelled rows below which an estimate is not given


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """How to look.

    Args:
        level: chance of an alarm where nothing has changed.
        every: rows of a look, in the order of the log; None: one look at all of them.
        seed: of what is drawn.
    """

    level: float = LEVEL
    every: int | None = None
    seed: int = 0


def watch(
    model: FittedModel,
    old: Reference,
    new: Reference,
    options: WatchOptions,
    *,
    labelled: Array,
    absent: frozenset[str] = frozenset(),
) -> DriftReport:
    """Compare new rows with those the model was judged on.

    Args:
        model: whose rows and answers they are.
        old: rows it was judged on.
        new: n rows that came later, in the order they came.
        options: how to look.
        labelled: (n,) which new rows have a label; `new.targets` holds it.
        absent: columns that the new rows do not hold.
    """
    if not new.vectors.shape[1]:
        old = replace(old, vectors=old.vectors[:, :0])  # a log without texts
    looks, found = _looks(model, old, new, options, absent)
    p_value = looks[-1].p_value if looks else found.drifts.p_value
    alarm = any(look.evidence >= 1 / options.level for look in looks) if looks else p_value <= options.level
    whole = pair(model, old, new, absent, seed=options.seed) if looks else found.pair
    drift = _told(found, level=options.level)
    estimated, notes = _estimated(model, whole, seed=options.seed)
    return DriftReport(
        rows=new.rows,
        compared=(whole.new.rows, whole.old.rows),
        alarm=alarm,
        level=options.level,
        p_value=p_value,
        text=_verdict(alarm, drift, options.level, looks),
        drift=drift,
        unlike=_least_like(whole) if alarm else (),
        estimated=estimated,
        actual=_actual(model, new, labelled),
        before=scores(answers_of(model, old)) if old.targets is not None else {},
        looks=looks,
        notes=(*whole.notes, *notes),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pair:
    """Old and new rows that are compared, and what of them.

    Args:
        old: at most 2,000 of the old rows.
        new: at most 2,000 of the new ones: more would turn differences without consequence into alarms.
        places: (n,) which of all new rows they are.
        aspects: of both.
        notes: what is not compared.
    """

    old: Reference
    new: Reference
    places: Array
    aspects: tuple[Aspect, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """What one look gave."""

    drifts: Drifts
    pair: _Pair


def pair(model: FittedModel, old: Reference, new: Reference, absent: frozenset[str], *, seed: int) -> _Pair:
    """Draw from both sides where they have too many rows, and say what of them is compared."""
    places = drawn(new.rows, seed=seed)
    old, new = take(old, drawn(old.rows, seed=seed)), take(new, places)
    aspects, notes = aspects_of(model, old, new, absent=absent)
    return _Pair(old=old, new=new, places=places, aspects=tuple(aspects), notes=tuple(notes))


def _looks(
    model: FittedModel, old: Reference, new: Reference, options: WatchOptions, absent: frozenset[str]
) -> tuple[tuple[Look, ...], _Found]:
    """Each look in turn with the evidence so far, and the last one in full."""
    if options.every is None or new.rows < 2 * options.every:
        return (), _look(model, old, new, options.seed, absent)
    evidence, looks = Evidence(), []
    found = None
    for first, part in _parts(new, options.every):
        found = _look(model, old, part, options.seed + first, absent)
        evidence = evidence.after(found.drifts.p_value)
        looks.append(Look(first=first, rows=part.rows, p_value=found.drifts.p_value, evidence=evidence.wealth))
    assert found is not None
    return tuple(looks), found


def _parts(new: Reference, every: int) -> Iterator[tuple[int, Reference]]:
    """Stretches of `every` rows; what is left over joins the last."""
    count = new.rows // every
    for number in range(count):
        stop = new.rows if number == count - 1 else (number + 1) * every
        yield number * every, take(new, np.arange(number * every, stop))


def _look(model: FittedModel, old: Reference, new: Reference, seed: int, absent: frozenset[str]) -> _Found:
    found = pair(model, old, new, absent, seed=seed)
    return _Found(drifts=find_drift(found.aspects, TESTS, old=found.old.rows, seed=seed), pair=found)


def take(rows: Reference, places: Array) -> Reference:
    """Some of the rows, in that order."""
    return Reference(
        plain=rows.plain[places],
        lengths=rows.lengths[places],
        vectors=rows.vectors[places],
        outputs=rows.outputs[places],
        targets=None if rows.targets is None else rows.targets[places],
    )


def _told(found: _Found, *, level: float) -> tuple[ColumnDrift, ...]:
    effects = {aspect.name: effect_of(aspect, found.pair.old.rows) for aspect in found.pair.aspects}
    where = _where(found, level=level)
    told = [
        ColumnDrift(
            column=one.aspect,
            test=one.test,
            statistic=round(one.statistic, 4),
            p_value=one.p_value,
            drifted=one.p_value <= level,
            effect=effects[one.aspect][0],
            said=effects[one.aspect][1] + where.get((one.aspect, one.test), ""),
            dispersion=round(one.dispersion, 3),
        )
        for one in found.drifts.tests
    ]
    return tuple(sorted(told, key=lambda one: one.p_value))


def _where(found: _Found, *, level: float) -> dict[tuple[str, str], str]:
    """By column and test, which range of values holds more of the new rows than of the old."""
    scan, aspects = IntervalScan(), {aspect.name: aspect for aspect in found.pair.aspects}
    drifted = [one for one in found.drifts.tests if one.test == scan.kind and one.p_value <= level]
    return {(one.aspect, one.test): f"; {scan.where(aspects[one.aspect], found.pair.old.rows)}" for one in drifted}


def _verdict(alarm: bool, drift: tuple[ColumnDrift, ...], level: float, looks: tuple[Look, ...]) -> str:
    over = f" over {len(looks)} looks" if looks else ""
    if not alarm:
        return f"No alarm{over}: the rows differ from those the model was judged on by no more than chance allows."
    names = list(dict.fromkeys(one.column for one in drift if one.drifted))
    where = f" In: {', '.join(names[:5])}{', and others' if len(names) > 5 else ''}." if names else ""
    return (
        f"Drift{over}: the rows are unlike those the model was judged on; chance would do this in fewer than "
        f"{level:.0%} of the cases.{where}"
    )


def _least_like(whole: _Pair) -> tuple[int, ...]:
    order = np.argsort(-unlike(table_of(whole.aspects), whole.old.rows), kind="stable")[:MOST_UNLIKE]
    return tuple(int(whole.places[at]) for at in order)


def _estimated(model: FittedModel, whole: _Pair, *, seed: int) -> tuple[dict[str, Score], tuple[str, ...]]:
    """Without labels, by what the model got right among the old rows that are like the new ones."""
    if whole.old.targets is None:
        return {}, ("The bundle holds no labelled rows to estimate from.",)
    table, old = table_of(whole.aspects), whole.old.rows
    weights = importance(table[:old], table[old:])
    if effective_rows(weights) < THIN:
        said = f"{effective_rows(weights):.0f} of {old:,}"
        return {}, (f"Nothing is estimated: too few labelled rows ({said}) are like the new ones.",)
    known, answers = answers_of(model, whole.old), answers_of(model, whole.new)
    every = names_for(answers.task)
    names = [name for name in dict.fromkeys((model.metric, *ESTIMATED)) if name in every]
    if answers.task == "regression":
        return estimate_errors(known, weights, whole.new.rows, names, seed=seed), ()
    return estimate(known, answers, weights, names, seed=seed), ()


def _actual(model: FittedModel, new: Reference, labelled: Array) -> dict[str, Score]:
    if new.targets is None or labelled.sum() < FEWEST:
        return {}
    return scores(answers_of(model, new).take(np.flatnonzero(labelled)))
