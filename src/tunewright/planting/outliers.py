"""Numbers that cannot be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Floats, Ints, Planted
from tunewright.planting.amounts import measured, values_of, written
from tunewright.planting.drawing import changed, draw, pick, put


@dataclass(frozen=True, slots=True, kw_only=True)
class Outliers:
    """Replace numbers of one column by others far beyond all of its values: a slipped decimal point, a wrong unit.

    Args:
        rate: share of the rows.
        least: how far beyond, in widths of the whole column, at least.
        most: and at most; between the two on a logarithmic scale.
    """

    name: ClassVar[str] = "outliers"
    kind: ClassVar[str] = "outliers"
    also: ClassVar[tuple[str, ...]] = ("missing_values",)
    of: ClassVar[str] = "rows"
    touches: ClassVar[str] = "cells"
    rate: float = 0.005
    least: float = 3.0
    most: float = 100.0

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Replace; a column that measures something is needed, with room for such numbers in its type."""
        columns = measured(frame, about)
        if not columns:
            return None
        column = pick(columns, rng)
        values = values_of(frame, about, column)
        rows = draw(about.rows[np.isfinite(values[about.rows])], self.rate, rng)
        if rows is None:
            return None
        cells = self._beyond(values, len(rows), rng)
        decimal = about.formats.get(column, ".")
        planted = put(frame, column, rows, written(cells, frame[column], decimal=decimal))
        kept = _outside(values_of(planted, about, column)[rows], values)
        return changed(planted, rows, (column,)) if kept else None

    def _beyond(self, values: Floats, count: int, rng: np.random.Generator) -> Floats:
        low, high = float(np.nanmin(values)), float(np.nanmax(values))
        steps = (high - low) * np.exp(rng.uniform(np.log(self.least), np.log(self.most), count))
        above = rng.random(count) < (0.7 if low < 0 else 0.85)
        return np.where(above, high + steps, low - steps)


def _outside(cells: Floats, values: Floats | Ints) -> bool:
    """All of the new cells are still beyond the old ones after being written in the column's type."""
    return bool(((cells < np.nanmin(values)) | (cells > np.nanmax(values))).all())
