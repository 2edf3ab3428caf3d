"""Date columns: calendar parts as smooth circles, and the time itself on a scale fitted to the train rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class DateFeature:
    """One fitted datetime column.

    Args:
        column: its name.
        center: mean of the train rows, seconds since 1970.
        scale: their standard deviation in seconds.
        clock: whether the column carries a time of day.
        empty: days that stand for an empty cell, as "1900-01-01" may.
    """

    kind: ClassVar[str] = "datetime"
    column: str
    center: float
    scale: float
    clock: bool
    empty: tuple[str, ...] = ()

    @classmethod
    def fit(cls, values: pl.Series, empty: tuple[str, ...] = ()) -> DateFeature:
        """Fit on the train rows of one Datetime column."""
        seconds = _seconds(values, empty)
        known = seconds[np.isfinite(seconds)]
        if not len(known):
            return cls(column=values.name, center=0.0, scale=1.0, clock=False, empty=empty)
        return cls(
            column=values.name,
            center=float(known.mean()),
            scale=float(known.std()) or 1.0,
            clock=bool((known % 86_400 != 0).any()),
            empty=empty,
        )

    def plain(self, frame: pl.DataFrame) -> Array:
        """(n, 6 or 8) float64 as trees take it: the same as `transform`."""
        return self.transform(frame).astype(np.float64)

    def transform(self, frame: pl.DataFrame) -> Array:
        """(n, 6 or 8) float32: time, missing, month and weekday circles, hour circle where there is a clock."""
        seconds = _seconds(frame[self.column], self.empty)
        known = np.isfinite(seconds)
        filled = np.where(known, seconds, self.center)
        days = filled / 86_400
        circles = [(days % 365.2425) / 365.2425, (days % 7) / 7]
        if self.clock:
            circles.append(days % 1)
        angles = 2 * np.pi * np.stack(circles, axis=1)
        time = np.clip((filled - self.center) / self.scale, -5, 5)
        waves = np.concatenate([np.sin(angles), np.cos(angles)], axis=1) * known[:, None]
        return np.column_stack([time, ~known, waves]).astype(np.float32)


def _seconds(values: pl.Series, empty: tuple[str, ...]) -> Array:
    moments = values.cast(pl.Datetime("us"))
    if empty:
        moments = moments.set(moments.dt.date().cast(pl.String).is_in(list(empty)).fill_null(False), None)
    micros = moments.dt.epoch("us").cast(pl.Float64).to_numpy()
    return np.asarray(micros / 1e6)
