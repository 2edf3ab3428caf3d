"""A column that says the same of every row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Planted
from tunewright.planting.drawing import as_read, new_name, pick, with_columns

NAMES = ("source", "export_batch", "region", "schema_version")


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantColumn:
    """Add a column with one word, one number or one flag in all rows, some of which may be empty.

    Args:
        empty: share of the rows where it is empty.
    """

    name: ClassVar[str] = "constant_column"
    kind: ClassVar[str] = "constant_column"
    also: ClassVar[tuple[str, ...]] = ("missing_values",)
    of: ClassVar[str] = "columns"
    touches: ClassVar[str] = "column"
    empty: float = 0.0

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Add."""
        name = new_name(frame, NAMES, rng)
        cell = pick(("north", 7, 0.0, "2.1"), rng)
        gone = rng.random(frame.height) < self.empty
        cells = pl.Series(name, [None if missing else cell for missing in gone])
        return with_columns(frame, as_read(frame, cells))
