"""Rows that stand in the table twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.data import row_digests
from tunewright.planting.about import About, Ints, Planted
from tunewright.planting.drawing import draw, present, with_copies


@dataclass(frozen=True, slots=True, kw_only=True)
class ExactDuplicates:
    """Add copies of rows, equal in every column, at the end: an export that ran twice.

    Only rows that nothing else equals are copied: where few values meet often, equal rows are no fault.

    Args:
        rate: share of the rows that are copied.
    """

    name: ClassVar[str] = "duplicates_exact"
    kind: ClassVar[str] = "duplicates"
    also: ClassVar[tuple[str, ...]] = ("near_duplicates",)
    of: ClassVar[str] = "rows"
    touches: ClassVar[str] = "copies"
    rate: float = 0.02

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Copy."""
        sources = draw(lone_rows(frame, about), self.rate, rng)
        return None if sources is None else with_copies(frame, sources, frame[sources])


def lone_rows(frame: pl.DataFrame, about: About) -> Ints:
    """Rows that no other row equals in its features; where there are texts, with one."""
    if not about.features:
        return about.rows[:0]
    digests = row_digests(frame, about.features)
    _, which, count = np.unique(digests, return_inverse=True, return_counts=True)
    rows: Ints = about.rows[count[which][about.rows] == 1]
    if about.texts:
        rows = np.unique(np.concatenate([present(frame, column, rows) for column in about.texts]))
    return rows
