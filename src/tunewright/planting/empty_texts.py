"""Texts that say nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Planted
from tunewright.planting.drawing import changed, draw, pick, present, put

EMPTY = (None, "", " ", "\t", "\n ", "\u00a0")


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyTexts:
    """Take the text out of some cells of one column and leave nothing, or blanks.

    Args:
        rate: share of the rows.
    """

    name: ClassVar[str] = "empty_texts"
    kind: ClassVar[str] = "empty_text"
    also: ClassVar[tuple[str, ...]] = ("missing_values",)
    of: ClassVar[str] = "rows"
    touches: ClassVar[str] = "text"
    rate: float = 0.01

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Empty; nothing to do without text."""
        if not about.texts:
            return None
        column = pick(about.texts, rng)
        rows = draw(present(frame, column, about.rows), self.rate, rng)
        if rows is None:
            return None
        return changed(put(frame, column, rows, [pick(EMPTY, rng) for _ in rows]), rows, (column,))
