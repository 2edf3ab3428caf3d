"""One damage, tried: which rows it changes, how far the metric falls, which answers become others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tunewright.errors import DataError
from tunewright.evaluation.behaviours.results import differing
from tunewright.evaluation.robustness.base import Cells, Damaging, Rows, with_cells
from tunewright.evaluation.robustness.subject import Tried
from tunewright.metrics import Outcome, difference, metric
from tunewright.records import Comparison, Damage, DamagedText, Flip
from tunewright.records.robustness import DamageVerdict
from tunewright.stats import wilson

Array = np.ndarray[Any, np.dtype[Any]]
FLIPS = 10
ROUNDS = 1000  # of the paired bootstrap
TEXTS = 3  # damaged texts that are shown of each kind


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ground:
    """What every damage is held against.

    Args:
        tried: the sampled rows and the model.
        rows: the same for the damages.
        base: the answers to the rows as they are.
        metric: that falls or does not.
        seed: of the bootstraps.
    """

    tried: Tried
    rows: Rows
    base: Outcome
    metric: str
    seed: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tally:
    """What one damage did.

    Args:
        damage: line of the table of damages.
        name: of what was tried.
        cells: the new cells by column.
        changed: (n,) rows with another cell than before.
        fall: the rows as they are against the damaged ones; None where the metric is not defined, or nothing changed.
        flips: places of the changed rows with another answer, the surest before (of numbers: the farthest moved) first.
        after: the answers to the damaged rows.
    """

    damage: Damaging
    name: str
    cells: Cells
    changed: Array
    fall: Comparison | None
    flips: tuple[int, ...]
    after: Outcome


def tally(ground: Ground, damage: Damaging, *, name: str, cells: Cells) -> Tally:
    """Ask the model about damaged rows."""
    changed = _changed(ground.rows.typed, cells)
    if not changed.any():
        return Tally(damage=damage, name=name, cells=cells, changed=changed, fall=None, flips=(), after=ground.base)
    after = ground.tried.outcome(with_cells(ground.rows, cells))
    return Tally(
        damage=damage,
        name=name,
        cells=cells,
        changed=changed,
        fall=_fall(ground, after),
        flips=_flips(ground, after, changed),
        after=after,
    )


def line_of(one: Tally, ground: Ground) -> Damage:
    """The record of a damage, its p-value not corrected yet."""
    changed, fall = int(one.changed.sum()), one.fall
    return Damage(
        name=one.name,
        kind=one.damage.kind,
        says=one.damage.says,
        changed=changed,
        fall=None if fall is None else fall.difference,
        p_value=None if fall is None else fall.p_value,
        verdict=_verdict(fall, changed),
        flipped=wilson(len(one.flips), changed) if changed else None,
        flips=tuple(_flip(one, ground, place) for place in one.flips[:FLIPS]),
    )


def texts_of(one: Tally, ground: Ground) -> Iterator[DamagedText]:
    """What rows look like whose answers changed; nothing where no text was damaged."""
    texts = [name for name in one.cells if name in ground.rows.texts and one.damage.kind != "missing"]
    for place in one.flips[:TEXTS] if texts else ():
        old = {name: ground.rows.typed[name][place] for name in texts}
        new = {name: one.cells[name][place] for name in texts}
        yield DamagedText(damage=one.name, row=int(ground.tried.rows[place]), text=differing(old, new)[1] or "")


def _flip(one: Tally, ground: Ground, place: int) -> Flip:
    sure = ground.tried.sureness(ground.base)
    return Flip(
        row=int(ground.tried.rows[place]),
        before=ground.tried.said(ground.base, place),
        after=ground.tried.said(one.after, place),
        confidence=None if sure is None else float(sure[place]),
    )


def _changed(typed: pl.DataFrame, cells: Cells) -> Array:
    changed = np.zeros(typed.height, bool)
    for name, new in cells.items():
        changed |= typed[name].ne_missing(new).to_numpy()
    return changed


def _fall(ground: Ground, after: Outcome) -> Comparison | None:
    """How much better the rows as they are do, paired."""
    # Where no answer is another there is nothing to resample.
    rounds = 1 if _alike(ground.metric, ground.base, after) else ROUNDS
    try:
        return difference(
            ground.metric, ground.base, after, names=("as it is", "damaged"), seed=ground.seed, rounds=rounds
        )
    except DataError:  # the metric is not defined for one of the two
        return None


def _alike(name: str, a: Outcome, b: Outcome) -> bool:
    """Whether the metric reads the same from both."""
    read = (a.probabilities, b.probabilities) if metric(name).needs == "probabilities" else (a.labels, b.labels)
    return np.array_equal(np.asarray(read[0]), np.asarray(read[1]))


def _flips(ground: Ground, after: Outcome, changed: Array) -> tuple[int, ...]:
    places = np.flatnonzero(ground.tried.moved(ground.base, after) & changed)
    sure = ground.tried.sureness(ground.base)
    rank = np.abs(after.labels - ground.base.labels) if sure is None else sure
    return tuple(int(place) for place in places[np.argsort(-rank[places], kind="stable")])


def _verdict(fall: Comparison | None, changed: int) -> DamageVerdict:
    if not changed:
        return "nothing to change"
    if fall is None:
        return "not defined"
    return "falls" if fall.verdict == "better" else "rises" if fall.verdict == "worse" else "no evidence"
