"""Number columns: scaling, a missing indicator, and piecewise-linear bins that let a linear head bend.

Everything is fitted on train rows. Piecewise-linear encoding: Gorishniy et al. 2022, "On embeddings for numerical
features in tabular deep learning".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl

Array = np.ndarray[Any, np.dtype[Any]]
MOST_BINS = 32
ROWS_PER_BIN = 40
FARTHEST = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberFeature:
    """One fitted number column.

    Args:
        column: its name.
        center: value that becomes zero.
        scale: value that becomes one, away from the centre.
        fill: what a missing cell becomes (the train median).
        indicator: whether a column says "was missing".
        knots: bin edges at train quantiles; empty where the column has too few distinct values.
        quantile: scaled values are replaced by their rank among the knots.
        clip: scaled values stay within ±5, so that one absurd cell cannot rule a row; off where nothing is scaled.
        empty: values that stand for an empty cell, as -999 may.
    """

    kind: ClassVar[str] = "number"
    column: str
    center: float
    scale: float
    fill: float
    indicator: bool
    knots: tuple[float, ...] = ()
    quantile: bool = False
    clip: bool = True
    empty: tuple[float, ...] = ()

    @classmethod
    def fit(
        cls,
        values: pl.Series,
        how: Literal["robust", "standard", "quantile", "none"],
        missing: str,
        empty: tuple[float, ...] = (),
    ) -> NumberFeature:
        """Fit on the train rows of one Float64 column.

        >>> NumberFeature.fit(pl.Series("x", [1.0, 2.0, 3.0, None]), "robust", "auto").indicator
        True
        """
        numbers = values.drop_nulls().to_numpy()
        numbers = numbers[np.isfinite(numbers) & ~np.isin(numbers, empty)]
        if not len(numbers):
            return cls(column=values.name, center=0.0, scale=1.0, fill=0.0, indicator=False, empty=empty)
        median = float(np.median(numbers))
        center, scale = _center_and_scale(numbers, how)
        has_missing = len(numbers) < len(values)
        return cls(
            column=values.name,
            center=center,
            scale=scale,
            fill=median,
            indicator=missing == "indicator" or (missing == "auto" and has_missing),
            knots=_knots(numbers),
            quantile=how == "quantile",
            clip=how != "none",
            empty=empty,
        )

    def plain(self, frame: pl.DataFrame) -> Array:
        """(n, 1) float64 as trees take it: neither scaled nor filled, NaN where nothing is known."""
        raw = frame[self.column].cast(pl.Float64).to_numpy()
        return np.where(np.isfinite(raw) & ~np.isin(raw, self.empty), raw, np.nan)[:, None]

    def transform(self, frame: pl.DataFrame) -> Array:
        """(n, 1 + indicator + bins) float32."""
        raw = self.plain(frame)[:, 0]
        known = np.isfinite(raw)
        values = np.where(known, raw, self.fill)
        scaled = (values - self.center) / self.scale
        if self.clip:
            scaled = np.clip(scaled, -FARTHEST, FARTHEST)
        if self.quantile and len(self.knots) > 2:
            scaled = np.interp(values, self.knots, np.linspace(-1.7, 1.7, len(self.knots)))
        parts = [scaled[:, None]]
        if self.indicator:
            parts.append((~known)[:, None].astype(np.float64))
        if len(self.knots) > 2:
            edges = np.array(self.knots)
            share = (values[:, None] - edges[:-1]) / (edges[1:] - edges[:-1])
            parts.append(np.clip(share, 0, 1))
        return np.concatenate(parts, axis=1).astype(np.float32)


def _center_and_scale(numbers: Array, how: str) -> tuple[float, float]:
    if how == "none":
        return 0.0, 1.0
    if how == "standard":
        return float(numbers.mean()), float(numbers.std()) or 1.0
    low, high = np.quantile(numbers, [0.25, 0.75])
    # 1.349 makes the interquartile range of a normal distribution its standard deviation.
    scale = float(high - low) / 1.349 or float(numbers.std()) or 1.0
    return float(np.median(numbers)), scale


def _knots(numbers: Array) -> tuple[float, ...]:
    bins = min(MOST_BINS, len(numbers) // ROWS_PER_BIN)
    if bins < 2:
        return ()
    edges = np.unique(np.quantile(numbers, np.linspace(0, 1, bins + 1)))
    return tuple(float(edge) for edge in edges) if len(edges) > 2 else ()
