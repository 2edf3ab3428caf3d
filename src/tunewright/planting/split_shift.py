"""Test rows that are unlike the train rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Planted
from tunewright.planting.shifting import shift


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitShift:
    """Shift one column of all test rows: another scale, another habit of writing, another mix of categories.

    Args:
        by: standard deviations that numbers move; half of it is the share of texts or categories that change.
    """

    name: ClassVar[str] = "split_shift"
    kind: ClassVar[str] = "split_shift"
    also: ClassVar[tuple[str, ...]] = ("time_drift", "outliers", "near_duplicates")
    of: ClassVar[str] = "columns"
    touches: ClassVar[str] = "shape"
    by: float = 1.2

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Shift; only where rows are split."""
        if about.parts is None:
            return None
        rows = about.rows[np.array(about.parts)[about.rows] == "test"]
        return shift(frame, about, rows, rng, by=np.full(len(rows), self.by)) if len(rows) else None
