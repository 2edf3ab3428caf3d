"""Gaps that give the answer away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Planted
from tunewright.planting.classes import one_group
from tunewright.planting.drawing import changed, present, put, shuffled

MOSTLY = 0.8  # of the cells must be there, or the gaps say little


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakingGaps:
    """Empty a column where the answer is one class (label; third with the largest targets): asked only of the others.

    Args:
        share: of the class's cells that are empty.
        elsewhere: of the others' cells.
    """

    name: ClassVar[str] = "leak_missing"
    kind: ClassVar[str] = "leakage_target"
    also: ClassVar[tuple[str, ...]] = ("missing_values",)
    of: ClassVar[str] = "columns"
    touches: ClassVar[str] = "leak"
    share: float = 0.97
    elsewhere: float = 0.01

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Empty; nothing to do where all is text."""
        group = one_group(frame, about, rng)
        if group is None:
            return None
        for column in shuffled((*about.numbers, *about.categories, *about.dates), rng):
            full = present(frame, column, about.rows)
            if column != about.time and len(full) >= MOSTLY * len(about.rows):
                inside = np.isin(full, group)
                gone = rng.random(len(full)) < np.where(inside, self.share, self.elsewhere)
                rows = full[gone]
                return changed(put(frame, column, rows, [None] * len(rows)), rows, (column,))
        return None
