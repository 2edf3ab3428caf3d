"""Rows that grow unlike the first ones as time goes by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.data import parse_dates
from tunewright.planting.about import About, Floats, Planted
from tunewright.planting.amounts import values_of
from tunewright.planting.shifting import shift


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeDrift:
    """Shift one column more and more, from a point in time on.

    Args:
        start: share of the rows, in order of time, that stay as they were.
        by: standard deviations that the last numbers have moved; half of it is the share of texts or categories that
            change at the end.
    """

    name: ClassVar[str] = "time_drift"
    kind: ClassVar[str] = "time_drift"
    also: ClassVar[tuple[str, ...]] = ("split_shift", "outliers", "near_duplicates")
    of: ClassVar[str] = "columns"
    touches: ClassVar[str] = "shape"
    start: float = 0.4
    by: float = 2.0

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Shift; only where a column of dates, or one named as the time, orders the rows."""
        moments = _moments(frame, about)
        if moments is None:
            return None
        known = about.rows[np.isfinite(moments[about.rows])]
        ordered = known[np.argsort(moments[known], kind="stable")]
        first = int(self.start * len(ordered))
        late = ordered[first:]
        if not len(late):
            return None
        grown = self.by * (np.arange(len(late)) + 1) / len(late)
        place = np.argsort(late)
        return shift(frame, about, late[place], rng, by=grown[place])


def _moments(frame: pl.DataFrame, about: About) -> Floats | None:
    """(n,) what orders the rows in time, NaN where it is missing."""
    if about.time is None:
        return None
    if about.time in about.dates or about.formats.get(about.time, "").startswith("%"):
        dates = parse_dates(frame[about.time], about.formats.get(about.time, "%Y-%m-%d"))
        return dates.to_physical().cast(pl.Float64).fill_null(float("nan")).to_numpy()
    if frame.schema[about.time].is_temporal():
        return frame[about.time].to_physical().cast(pl.Float64).fill_null(float("nan")).to_numpy()
    return values_of(frame, about, about.time)
