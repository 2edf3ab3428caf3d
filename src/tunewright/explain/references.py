"""What a table cell is replaced by when it is taken out: what its column usually holds in the train rows."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl

from tunewright.features.categories import CategoryFeature
from tunewright.features.featurizer import Feature, Featurizer
from tunewright.features.numbers import NumberFeature

ROUNDS = 8
References = Mapping[str, list[Any]]


def references(featurizer: Featurizer, *, seed: int = 0) -> References:
    """R usual values of every table column; taking a cell out is the mean over them.

    A number becomes its train median, a date the middle of its train rows. For a category no single value will do (the
    most frequent one would then never have a weight): its values are drawn in their train shares, stratified.

    Args:
        featurizer: as fitted on the train rows.
        seed: of the order in which the values of different columns meet.

    Returns:
        Lists of R values by column; R is 8, or 1 where there is no category.
    """
    categories = any(isinstance(feature, CategoryFeature) for feature in featurizer.features)
    rounds = ROUNDS if categories else 1
    rng = np.random.default_rng(seed)
    return {feature.column: _usual(feature, rounds, rng) for feature in featurizer.features}


def replaced(typed: pl.DataFrame, values: Mapping[str, list[Any]]) -> pl.DataFrame:
    """The frame with other cells; `values` holds one per row for each column that changes."""
    return typed.with_columns(
        pl.Series(name, cells, dtype=typed.schema[name], strict=False) for name, cells in values.items()
    )


def _usual(feature: Feature, rounds: int, rng: np.random.Generator) -> list[Any]:
    if isinstance(feature, NumberFeature):
        return [feature.fill] * rounds
    if isinstance(feature, CategoryFeature):
        return _drawn(feature, rounds, rng)
    middle = datetime.fromtimestamp(feature.center, UTC).replace(tzinfo=None)
    return [middle] * rounds


def _drawn(feature: CategoryFeature, rounds: int, rng: np.random.Generator) -> list[Any]:
    """Values at the middles of equal shares of the train rows, in random order; None where all are rare."""
    if not feature.values:
        return [None] * rounds
    counts = np.array(feature.counts or (1,) * len(feature.values), float)
    edges = np.cumsum(counts) / counts.sum()
    at = np.searchsorted(edges, (np.arange(rounds) + 0.5) / rounds)
    found: list[Any] = [feature.values[int(place)] for place in rng.permutation(at)]
    # Booleans are fitted as the words "true" and "false".
    truths = {"true": True, "false": False}
    return [truths[one] for one in found] if {*feature.values} <= {*truths} else found
