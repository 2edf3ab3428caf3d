"""Columns that add up to the target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Planted
from tunewright.planting.amounts import values_of, written
from tunewright.planting.drawing import new_name, with_columns

NAMES = ("online", "first_half", "regular", "part_one")
OTHERS = ("counter", "second_half", "occasional", "part_two")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakingSum:
    """Add two columns whose sum is the numeric target in every row; neither gives it away alone.

    Args:
        least: smallest share of the target that stands in the first column; the largest is one minus that.
    """

    name: ClassVar[str] = "leak_sum"
    kind: ClassVar[str] = "leakage_target"
    also: ClassVar[tuple[str, ...]] = ()
    of: ClassVar[str] = "columns"
    touches: ClassVar[str] = "leak"
    least: float = 0.1

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Add; only for a numeric target. Rows without one get empty cells."""
        if about.task != "regression":
            return None
        target = frame[about.target]
        decimal = about.formats.get(about.target, ".")
        values = values_of(frame, about, about.target)
        known = np.isfinite(values)
        share = rng.uniform(self.least, 1 - self.least, frame.height)
        first = written(np.where(known, values * share, 0.0), target, decimal=decimal, exact=True)
        read = pl.DataFrame({about.target: pl.Series(first, dtype=target.dtype)})
        rest = written(
            np.where(known, values - values_of(read, about, about.target), 0.0), target, decimal=decimal, exact=True
        )
        names = new_name(frame, NAMES, rng), new_name(frame, OTHERS, rng)
        columns = [
            pl.Series(
                name, [cell if there else None for cell, there in zip(cells, known, strict=True)], dtype=target.dtype
            )
            for name, cells in zip(names, (first, rest), strict=True)
        ]
        return with_columns(frame, *columns)
