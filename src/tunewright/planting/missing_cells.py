"""Cells that are empty."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Planted
from tunewright.planting.drawing import changed, draw, present, put, shuffled

MOSTLY = 0.5  # of the cells must be there: one more gap in a column of gaps is nothing new


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingCells:
    """Empty cells of one column of numbers, categories or dates.

    Args:
        rate: share of the rows.
    """

    name: ClassVar[str] = "missing_cells"
    kind: ClassVar[str] = "missing_values"
    also: ClassVar[tuple[str, ...]] = ()
    of: ClassVar[str] = "rows"
    touches: ClassVar[str] = "cells"
    rate: float = 0.05

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Empty."""
        for column in shuffled((*about.numbers, *about.categories, *about.dates), rng):
            full = present(frame, column, about.rows)
            if len(full) >= MOSTLY * len(about.rows):
                rows = draw(full, self.rate, rng)
                if rows is not None:
                    return changed(put(frame, column, rows, [None] * len(rows)), rows, (column,))
        return None
