"""All table columns of a row as one dense vector, fitted on train rows only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tunewright.features.categories import CategoryFeature
from tunewright.features.dates import DateFeature
from tunewright.features.numbers import NumberFeature
from tunewright.features.options import PreprocessOptions
from tunewright.records import Column, Table, from_json, to_json

Array = np.ndarray[Any, np.dtype[Any]]
Feature = NumberFeature | CategoryFeature | DateFeature
FEATURES: tuple[type[NumberFeature] | type[CategoryFeature] | type[DateFeature], ...] = (
    NumberFeature,
    CategoryFeature,
    DateFeature,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Featurizer:
    """The fitted features of a table, in column order."""

    features: tuple[Feature, ...]

    @classmethod
    def fit(cls, frame: pl.DataFrame, table: Table, options: PreprocessOptions) -> Featurizer:
        """Fit one feature per number, category, boolean and datetime column on `frame`, the train rows."""
        return cls(
            features=tuple(
                feature
                for column in table.columns
                if column.role == "feature" and (feature := _fit_one(frame[column.name], column, options))
            )
        )

    def transform(self, frame: pl.DataFrame) -> Array:
        """(n, F) float32; F is zero where there are no table columns."""
        blocks = [feature.transform(frame) for feature in self.features]
        return np.concatenate(blocks, axis=1) if blocks else np.zeros((frame.height, 0), np.float32)

    def plain(self, frame: pl.DataFrame) -> Array:
        """(n, C) float64 as trees take them: numbers with NaN, categories as places, dates as their parts."""
        blocks = [feature.plain(frame) for feature in self.features]
        return np.concatenate(blocks, axis=1) if blocks else np.zeros((frame.height, 0))

    def blocks(self, frame: pl.DataFrame) -> dict[str, slice]:
        """Where the features of each column stand; `frame` holds any rows."""
        found, at = {}, 0
        for feature in self.features:
            width = feature.transform(frame.head(1)).shape[1]
            found[feature.column] = slice(at, at + width)
            at += width
        return found

    def to_json(self) -> list[dict[str, Any]]:
        """The fitted values as plain JSON."""
        return [{"kind": feature.kind, **to_json(feature)} for feature in self.features]

    @classmethod
    def from_json(cls, value: list[dict[str, Any]]) -> Featurizer:
        """Rebuild from `to_json`.

        >>> fitted = Featurizer(features=(CategoryFeature(column="c", values=("a",)),))
        >>> Featurizer.from_json(fitted.to_json()) == fitted
        True
        """
        by_kind = {kind.kind: kind for kind in FEATURES}
        return cls(features=tuple(from_json(by_kind[item["kind"]], item) for item in value))


def _fit_one(values: pl.Series, column: Column, options: PreprocessOptions) -> Feature | None:
    if column.kind == "number":
        return NumberFeature.fit(values, options.numbers, options.missing, tuple(map(float, column.empty)))
    if column.kind in ("category", "boolean"):
        return CategoryFeature.fit(values, column.empty)
    if column.kind == "datetime":
        return DateFeature.fit(values, column.empty)
    return None
