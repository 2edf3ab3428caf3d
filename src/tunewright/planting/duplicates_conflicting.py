"""Rows that stand in the table again with another answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Planted
from tunewright.planting.drawing import draw, put, with_copies
from tunewright.planting.duplicates_exact import lone_rows
from tunewright.planting.targets import wrong_targets


@dataclass(frozen=True, slots=True, kw_only=True)
class ConflictingCopies:
    """Add copies of rows with the target of another class (labels, value), at the end: two people disagreed.

    Args:
        rate: share of the rows that are copied.
    """

    name: ClassVar[str] = "duplicates_conflicting"
    kind: ClassVar[str] = "conflicting_labels"
    also: ClassVar[tuple[str, ...]] = ("duplicates", "near_duplicates", "label_errors")
    of: ClassVar[str] = "rows"
    touches: ClassVar[str] = "copies"
    rate: float = 0.02

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Copy."""
        drawn = draw(lone_rows(frame, about), self.rate, rng)
        if drawn is None:
            return None
        sources, cells = wrong_targets(frame, about, drawn, rng)
        if not len(sources):
            return None
        copies = put(frame[sources], about.target, np.arange(len(sources)), cells)
        return with_copies(frame, sources, copies, (about.target,))
