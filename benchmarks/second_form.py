"""What the faults of the second planter share: their form, and how they change a table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import polars as pl

from tunewright.data import parse_numbers
from tunewright.planting import About, Planted

Plant = Callable[[pl.DataFrame, About, np.random.Generator], Planted | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Second:
    """A fault of the second planter, in the form of those of the first."""

    name: str
    kind: str
    touches: str
    make: Plant
    of: str = "rows"
    also: tuple[str, ...] = ()

    def plant(self, frame, about, rng):
        return self.make(frame, about, rng)


def some(rows, share, rng, least=4):
    rows = np.asarray(rows)
    return np.sort(rng.permutation(rows)[: max(least, int(share * len(rows)))]) if len(rows) >= least else rows[:0]


def edited(frame, column, rows, cells):
    """The frame with other cells in some rows of a column; None where nothing is to be changed."""
    rows = [int(row) for row in rows]
    if not rows:
        return None
    values = frame[column].to_list()
    for row, cell in zip(rows, cells, strict=True):
        values[row] = cell
    new = frame.with_columns(pl.Series(column, values, dtype=frame.schema[column]))
    return Planted(frame=new, rows=tuple(sorted(rows)), columns=(column,), origin=np.arange(len(frame)))


def inserted(frame, sources, copies, rng, columns=()):
    """Copies at random places behind what they copy."""
    if not len(sources):
        return None
    key = np.concatenate(
        [np.arange(len(frame)), sources + 0.5 + rng.random(len(sources)) * (len(frame) - sources - 0.6)]
    )
    order = np.argsort(key, kind="stable")
    origin = np.concatenate([np.arange(len(frame)), sources])[order]
    added = np.flatnonzero(order >= len(frame))
    beside = np.flatnonzero(np.isin(origin, sources) & (order < len(frame)))
    return Planted(
        frame=pl.concat([frame, copies])[order],
        rows=tuple(added.tolist()),
        columns=columns,
        origin=origin,
        added=added,
        beside=tuple(beside.tolist()),
    )


def appended(frame, *columns):
    """The frame with new columns at its end."""
    texts = all(dtype == pl.String for dtype in frame.dtypes)
    new = [column.cast(pl.String) if texts else column for column in columns]
    names = tuple(column.name for column in new)
    return Planted(frame=frame.with_columns(new), rows=(), columns=names, origin=np.arange(len(frame)))


def numbers(frame, about, column):
    return parse_numbers(frame[column], decimal=about.formats.get(column, ".")).fill_null(np.nan).to_numpy()


def wide(frame, about):
    """Number columns with twenty values or more, all written as plain digits."""
    plain = [
        name
        for name in about.numbers
        if frame.schema[name] != pl.String or frame[name].drop_nulls().str.contains(r"^-?\d+(\.\d+)?$").mean() == 1.0
    ]
    return [name for name in plain if name != about.time and frame[name].n_unique() >= 20]


def text_column(frame, about, rng):
    return about.texts[int(rng.integers(len(about.texts)))] if about.texts else None
