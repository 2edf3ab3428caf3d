"""Category and boolean columns: one indicator per frequent value; rare, unseen and missing values have their own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

Array = np.ndarray[Any, np.dtype[Any]]
MOST_CATEGORIES = 64
RAREST = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class CategoryFeature:
    """One fitted category column: `values` have an indicator each, then "another value", then "missing".

    Args:
        column: its name.
        values: that have an indicator.
        empty: values that stand for an empty cell, as "?" does.
        counts: train rows with each of `values`; empty in bundles of earlier releases.

    >>> feature = CategoryFeature.fit(pl.Series("c", ["a"] * 5 + ["b"]))
    >>> feature.transform(pl.DataFrame({"c": ["a", "new", None]})).tolist()
    [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]]
    """

    kind: ClassVar[str] = "category"
    column: str
    values: tuple[str, ...]
    empty: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()

    @classmethod
    def fit(cls, values: pl.Series, empty: tuple[str, ...] = ()) -> CategoryFeature:
        """Keep the values that at least 5 train rows have, 64 at most, most frequent first."""
        counts = values.drop_nulls().cast(pl.String).value_counts(name="\0rows").rows()
        frequent = sorted(
            (row for row in counts if row[1] >= RAREST and row[0] not in empty), key=lambda row: (-row[1], row[0])
        )
        kept = frequent[:MOST_CATEGORIES]
        return cls(
            column=values.name,
            values=tuple(value for value, _ in kept),
            empty=empty,
            counts=tuple(int(count) for _, count in kept),
        )

    def plain(self, frame: pl.DataFrame) -> Array:
        """(n, 1) float64 as trees take it: the place of the value, most frequent first."""
        return self._places(frame).astype(np.float64)[:, None]

    def transform(self, frame: pl.DataFrame) -> Array:
        """(n, values + 2) float32."""
        return np.eye(len(self.values) + 2, dtype=np.float32)[self._places(frame)]

    def _places(self, frame: pl.DataFrame) -> Array:
        cells = frame[self.column].cast(pl.String).to_list()
        numbers = {value: number for number, value in enumerate(self.values)}
        other, missing = len(self.values), len(self.values) + 1
        nothing = {None, *self.empty}
        return np.array([missing if cell in nothing else numbers.get(cell, other) for cell in cells], np.int64)
