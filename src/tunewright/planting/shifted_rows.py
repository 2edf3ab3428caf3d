"""Rows whose cells stand one column too far to the left."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, cast

import numpy as np
import polars as pl

from tunewright.data import parse_dates, parse_numbers
from tunewright.data.numbers import Decimal, is_missing
from tunewright.planting.about import About, Floats, Planted
from tunewright.planting.drawing import changed, draw, pick, put

FEW = 50  # values of a category column whose list is closed
VISIBLE = 2  # cells that no longer fit their column, at least


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftedRows:
    """Lose a cell of some rows so that all behind it move up, and the last one stays empty.

    Only cells on one side of the target move: a row that loses its target is no example. A row is shifted only where
    at least two cells then do not fit their column, such as a word among numbers or an unknown category.

    Args:
        rate: share of the rows.
    """

    name: ClassVar[str] = "shifted_rows"
    kind: ClassVar[str] = "shifted_row"
    also: ClassVar[tuple[str, ...]] = ("mixed_format", "missing_values", "outliers", "empty_text", "truncated_text")
    of: ClassVar[str] = "rows"
    touches: ClassVar[str] = "shape"
    rate: float = 0.003

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Shift; only in tables whose columns were read as text."""
        fit = []
        for start, stop in _starts(frame, about):
            columns = frame.columns[start:stop]
            misfits = np.zeros(frame.height)
            for column, source in pairwise(columns):
                misfits += _misfits(frame[source], frame[column], about)
            rows = draw(about.rows[misfits[about.rows] >= VISIBLE], self.rate, rng, of=len(about.rows))
            if rows is not None:
                fit.append((columns, rows))
        if not fit:
            return None
        columns, rows = pick(fit, rng)
        shifted = frame
        for column, source in pairwise(columns):
            shifted = put(shifted, column, rows, frame[source][rows])
        shifted = put(shifted, columns[-1], rows, [None] * len(rows))
        return changed(shifted, rows, tuple(columns))


def _starts(frame: pl.DataFrame, about: About) -> list[tuple[int, int]]:
    """Places where a cell may be lost and up to where cells then move: runs of three text columns or more."""
    fixed = {about.target, about.part}
    still = [name in fixed or dtype != pl.String for name, dtype in frame.schema.items()]
    walls = [-1, *(place for place, wall in enumerate(still) if wall), len(still)]
    runs = [(left + 1, right) for left, right in pairwise(walls) if right - left > 3]
    return [(start, stop) for first, stop in runs for start in range(first, stop - 2)]


def _misfits(cells: pl.Series, column: pl.Series, about: About) -> Floats:
    """(n,) 1 where a cell would not fit the column: not of its kind, or not of its few values."""
    name = column.name
    if name in about.numbers:
        fits = parse_numbers(cells, decimal=cast(Decimal, about.formats.get(name, "."))).is_not_null()
    elif name in about.dates:
        fits = parse_dates(cells, about.formats.get(name, "%Y-%m-%d")).is_not_null()
    elif name in about.categories and column.n_unique() <= FEW:
        fits = cells.is_in(column.drop_nulls().unique().implode())
    else:
        return np.zeros(len(cells))
    return (~fits.fill_null(True) & ~is_missing(cells)).to_numpy().astype(np.float64)
