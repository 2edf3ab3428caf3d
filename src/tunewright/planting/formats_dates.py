"""Dates in two conventions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.data import parse_dates
from tunewright.planting.about import About, Planted
from tunewright.planting.drawing import changed, draw, pick, put, shuffled

FORMS = ("%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%Y%m%d", "%b %d, %Y")


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedDates:
    """Write some dates of one column in another way: two systems, one export. A time of day is written behind.

    Args:
        rate: share of the rows.
    """

    name: ClassVar[str] = "formats_dates"
    kind: ClassVar[str] = "mixed_format"
    also: ClassVar[tuple[str, ...]] = ("missing_values", "time_drift", "split_shift")
    of: ClassVar[str] = "rows"
    touches: ClassVar[str] = "cells"
    rate: float = 0.1

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Write; only in columns of dates that were read as text."""
        for column in shuffled([name for name in about.dates if frame.schema[name] == pl.String], rng):
            now = about.formats.get(column, "%Y-%m-%d")
            dates = parse_dates(frame[column], now)
            rows = draw(about.rows[dates.is_not_null().to_numpy()[about.rows]], self.rate, rng)
            if rows is None or "%d" not in now:
                continue
            form = pick([other for other in FORMS if other != now], rng)
            drawn = dates[rows]
            clock = ((drawn.dt.hour() > 0) | (drawn.dt.minute() > 0)).to_list()
            days, times = drawn.dt.to_string(form).to_list(), drawn.dt.to_string(" %H:%M").to_list()
            cells = [day + time if timed else day for day, time, timed in zip(days, times, clock, strict=True)]
            return changed(put(frame, column, rows, cells), rows, (column,))
        return None
