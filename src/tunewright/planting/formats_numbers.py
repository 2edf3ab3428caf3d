"""Numbers with units among numbers without."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Planted
from tunewright.planting.amounts import measured, mostly_plain, plain
from tunewright.planting.drawing import changed, draw, pick, put

FORMS = ("{} kg", "{} km", "{}h", "{} EUR", "~{}", "ca. {}", "{} units")


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedNumbers:
    """Write some numbers of one column with a unit or a word; the number itself stays.

    Args:
        rate: share of the rows.
    """

    name: ClassVar[str] = "formats_numbers"
    kind: ClassVar[str] = "mixed_format"
    also: ClassVar[tuple[str, ...]] = ("missing_values",)
    of: ClassVar[str] = "rows"
    touches: ClassVar[str] = "cells"
    rate: float = 0.06

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Write; only in columns of plain numbers that were read as text, others hold no words."""
        columns = [name for name in measured(frame, about) if frame.schema[name] == pl.String]
        columns = list(mostly_plain(frame, columns))
        if not columns:
            return None
        column = pick(columns, rng)
        rows = draw(about.rows[plain(frame[column])[about.rows]], self.rate, rng)
        if rows is None:
            return None
        form = pick(FORMS, rng)
        cells = [form.format(cell.strip()) for cell in frame[column][rows].to_list()]
        return changed(put(frame, column, rows, cells), rows, (column,))
