"""Slices as records: sizes and intervals where they were found, the same on test rows, what to do about them.

Shapes: n rows.
"""

from __future__ import annotations

import math
from collections.abc import Set
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tunewright.analysis.acting import Evidence, action_for
from tunewright.analysis.facts import Facts
from tunewright.analysis.slicing import LEVEL, Discovery, Found
from tunewright.records import Score, Slice, Slices
from tunewright.stats import wilson
from tunewright.stats.intervals import critical

Array = np.ndarray[Any, np.dtype[Any]]
EXAMPLES = 5
NO_ROWS = "No row to look at: the part is empty."
MEASURES = {"regression": "mean absolute error", "multilabel": "wrong labels per row"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """Rows with a model's errors for them.

    Args:
        facts: of n rows.
        ids: (n,) their numbers in the file.
        errors: (n,) of the model.
        rival: (n,) of a simpler model, or None.
    """

    facts: Facts
    ids: Array
    errors: Array
    rival: Array | None = None


def told(
    discovery: Discovery,
    part: Part,
    *,
    name: str,
    task: str,
    train: Facts,
    train_ids: Array,
    suspects: Set[int] = frozenset(),
    test: Part | None = None,
    cells: bool = True,
) -> Slices:
    """The slices of a part as records.

    Args:
        discovery: what was found in the part.
        part: its rows.
        name: of the part, for people.
        task: kind of task, which says what an error is counted in.
        train: of the train rows.
        train_ids: (t,) their numbers in the file.
        suspects: numbers of rows whose label is doubtful.
        test: the test rows, to report how the slices fare there; they choose nothing.
        cells: whether descriptions may repeat cells of the data: words and values.
    """
    measure = MEASURES.get(task, "error rate")
    found = [_slice(one, part, train, train_ids, suspects, test) for one in discovery.found]
    if not cells:
        found = [
            replace(told, description=one.slicing.unquoted(), condition=None) if told.quotes else told
            for told, one in zip(found, discovery.found, strict=True)
        ]
    return Slices(
        part=name,
        measure=measure,
        rows=discovery.rows,
        conditions=discovery.conditions,
        level=LEVEL,
        text=_text(discovery, part, name=name),
        found=tuple(found),
    )


def _slice(one: Found, part: Part, train: Facts, train_ids: Array, suspects: Set[int], test: Part | None) -> Slice:
    inside, rest = part.errors[one.mask], part.errors[~one.mask]
    held = one.slicing.holds(train)
    evidence = _evidence(one, part, held, train_ids, suspects)
    action, why = action_for(evidence)
    rows = np.flatnonzero(one.mask)
    worst = rows[np.argsort(-part.errors[rows], kind="stable")][:EXAMPLES]
    told = Slice(
        description=str(one.slicing),
        rows=len(rows),
        error=mean_of(inside),
        rest=float(rest.mean()),
        difference=difference_of(inside, rest),
        p_value=one.p_value,
        excess=one.excess,
        examples=tuple(int(part.ids[place]) for place in worst if part.errors[place] > 0),
        condition=one.slicing.expression,
        quotes=one.slicing.quotes,
        train_rows=int(held.sum()),
        suspects=evidence.suspect_share,
        action=action,
        why=why,
    )
    return told if test is None else _on_test(told, one, test)


def _on_test(told: Slice, one: Found, test: Part) -> Slice:
    mask = one.slicing.holds(test.facts)
    if not mask.any() or mask.all():
        return told
    return replace(told, test=mean_of(test.errors[mask]), test_rest=float(test.errors[~mask].mean()))


def _evidence(one: Found, part: Part, held: Array, train_ids: Array, suspects: Set[int]) -> Evidence:
    # Train rows and the part may be the same rows, where answers are out of fold; each counts once.
    inside = {*part.ids[one.mask].tolist(), *train_ids[held].tolist()}
    elsewhere = {*part.ids.tolist(), *train_ids.tolist()} - inside
    doubtful = len(inside & suspects)
    return Evidence(
        train_rows=int(held.sum()),
        train_share=float(held.mean()) if len(held) else 0.0,
        suspects=doubtful,
        suspect_share=doubtful / max(len(inside), 1),
        suspect_share_elsewhere=len(elsewhere & suspects) / max(len(elsewhere), 1),
        errors=part.errors[one.mask],
        rival=None if part.rival is None else part.rival[one.mask],
    )


def mean_of(errors: Array) -> Score:
    """Mean error with a 95 % interval: Wilson's for errors of 0 and 1, else the normal one, not below 0.

    >>> mean_of(np.array([1.0, 0.0, 0.0, 0.0])).value
    0.25
    """
    if np.isin(errors, (0.0, 1.0)).all():
        return wilson(float(errors.sum()), len(errors))
    mean, half = float(errors.mean()), critical(0.95) * _error(errors)
    return Score(value=mean, low=max(mean - half, 0.0), high=mean + half, n=len(errors))


def difference_of(inside: Array, rest: Array) -> Score:
    """Mean error inside less that of the rest, with a 95 % interval: Newcombe's for 0 and 1, else Welch's (normal).

    Source: Newcombe (1998), Interval estimation for the difference between independent proportions, method 10.
    Statistics in Medicine 17, 873-890.

    >>> found = difference_of(np.repeat([1.0, 0.0], [56, 14]), np.repeat([1.0, 0.0], [48, 32]))
    >>> round(found.value, 4), round(found.low, 4), round(found.high, 4)
    (0.2, 0.0524, 0.3339)
    """
    a, b = mean_of(inside), mean_of(rest)
    value = a.value - b.value
    if np.isin(inside, (0.0, 1.0)).all() and np.isin(rest, (0.0, 1.0)).all():
        low = value - math.hypot(a.value - a.low, b.high - b.value)
        return Score(value=value, low=low, high=value + math.hypot(a.high - a.value, b.value - b.low), n=a.n)
    half = critical(0.95) * math.hypot(_error(inside), _error(rest))
    return Score(value=value, low=value - half, high=value + half, n=a.n)


def _error(errors: Array) -> float:
    return float(errors.std(ddof=1)) / math.sqrt(len(errors)) if len(errors) > 1 else 0.0


def _text(discovery: Discovery, part: Part, *, name: str) -> str:
    """What was looked at and what came of it, in a sentence or two."""
    if not len(part.errors):
        return NO_ROWS
    if not part.errors.any():
        return f"The model is right on all {len(part.errors):,} {name} rows: there is nothing to find slices in."
    if np.ptp(part.errors) == 0:
        return f"The model errs alike on all {len(part.errors):,} {name} rows: no group of them is worse than the rest."
    if not discovery.conditions:
        return f"{discovery.rows:,} {name} rows are too few for groups of ten and a rest, or nothing tells them apart."
    looked = f"{discovery.conditions:,} groups of the {discovery.rows:,} {name} rows were looked at"
    count = len(discovery.found)
    if not count:
        return f"{looked}; none has more errors than chance gives the worst of so many."
    verb = "has" if count == 1 else "have"
    return f"{looked}; {count} {verb} more errors than chance gives the worst of so many in 97 searches of 100."
