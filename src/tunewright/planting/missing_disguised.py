"""Cells that say in words or with a strange number that they are empty."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Planted
from tunewright.planting.amounts import measured, values_of
from tunewright.planting.drawing import changed, draw, present, put, shuffled
from tunewright.planting.missing_cells import MOSTLY

WORDS = ("N/A", "n/a", "?", "-", "NULL", "none", "unknown", "missing")
NUMBERS = (-999, -1, -9999, 9999999)
FAR = 3.0  # widths of the column that a number stands off, to be none of its values


@dataclass(frozen=True, slots=True, kw_only=True)
class DisguisedMissing:
    """Write one and the same stand-in for "nothing here" into cells of one column.

    A number column gets a word, or a number that lies outside of its values; a category column a word.

    Args:
        rate: share of the rows.
    """

    name: ClassVar[str] = "missing_disguised"
    kind: ClassVar[str] = "missing_values"
    also: ClassVar[tuple[str, ...]] = ("outliers", "mixed_format")
    of: ClassVar[str] = "rows"
    touches: ClassVar[str] = "cells"
    rate: float = 0.05

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Write; a typed column of categories has no place for a word."""
        for column, word in self._places(frame, about, rng):
            full = present(frame, column, about.rows)
            rows = draw(full, self.rate, rng)
            if rows is not None and len(full) >= MOSTLY * len(about.rows):
                return changed(put(frame, column, rows, [word] * len(rows)), rows, (column,))
        return None

    def _places(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Iterator[tuple[str, Any]]:
        for column in shuffled((*measured(frame, about), *about.categories), rng):
            text = frame.schema[column] == pl.String
            numbers = _outside(frame, about, column) if column in about.numbers else []
            words: list[Any] = list(WORDS) if text else []
            words += [str(number) if text else number for number in numbers]
            for word in shuffled(words, rng):
                if not (frame[column] == word).any():
                    yield column, word
                    break


def _outside(frame: pl.DataFrame, about: About, column: str) -> list[int]:
    """Those of the numbers that nobody would take for one of the column's: beyond its values, or below a column ≥ 0."""
    values = values_of(frame, about, column)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    width = FAR * (high - low)
    dtype = frame.schema[column]
    kept = [number for number in NUMBERS if number < low - width or number > high + width or (number < 0 <= low)]
    if dtype.is_integer():
        least, most = frame[column].lower_bound().item(), frame[column].upper_bound().item()
        kept = [number for number in kept if least <= number <= most]
    return kept
