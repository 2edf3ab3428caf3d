"""Values of some rows that are unlike those of the others: the common part of a shift between parts and over time."""

from __future__ import annotations

import numpy as np
import polars as pl

from tunewright.planting.about import About, Floats, Ints, Planted
from tunewright.planting.amounts import measured, mostly_plain, spread, values_of, written
from tunewright.planting.drawing import changed, pick, present, put

PHRASES = ("Sent from my phone.", "Reference follows by letter.", "[external message]", "This is my second request.")


def shift(frame: pl.DataFrame, about: About, rows: Ints, rng: np.random.Generator, *, by: Floats) -> Planted | None:
    """Shift one column of the rows: numbers by so many deviations; else a share of its texts, or of its categories.

    Args:
        frame: the table.
        about: its columns.
        rows: (m,) that are to be unlike the others.
        rng: draws.
        by: (m,) size of the shift in standard deviations; halved (at most 0.8) the share of texts with a phrase at
            their end, or of categories replaced by one of the rarer ones.

    Returns:
        None where there is no column of any of the three kinds.
    """
    numbers, categories = mostly_plain(frame, measured(frame, about)), _categories(frame, about)
    if numbers:
        column = pick(numbers, rng)
        values = values_of(frame, about, column)
        there = np.isfinite(values[rows])
        hit = rows[there]
        moved = values[hit] + by[there] * spread(values[about.rows])
        cells: list[object] = written(moved, frame[column], decimal=about.formats.get(column, "."))
    elif about.texts or categories:
        column = pick(about.texts or categories, rng)
        full = np.isin(rows, present(frame, column, rows))
        hit = rows[full & (rng.random(len(rows)) < np.minimum(by / 2, 0.8))]
        word = pick(PHRASES, rng) if about.texts else _rarer(frame[column][about.rows])
        cells = [f"{text} {word}" if about.texts else word for text in frame[column][hit].to_list()]
    else:
        return None
    kept = np.array([old != new for old, new in zip(frame[column][hit].to_list(), cells, strict=True)], bool)
    hit, cells = hit[kept], [cell for cell, differs in zip(cells, kept, strict=True) if differs]
    return changed(put(frame, column, hit, cells), hit, (column,)) if len(hit) else None


def _categories(frame: pl.DataFrame, about: About) -> list[str]:
    return [column for column in about.categories if frame[column].drop_nulls().n_unique() > 1]


def _rarer(cells: pl.Series) -> object:
    """The rarest of the values that make up a fiftieth of the column at least."""
    counts = cells.drop_nulls().rename("cell").value_counts(name="n").sort("n", "cell")
    usual = counts.filter(pl.col("n") >= 0.02 * len(cells))
    return (usual if len(usual) else counts.tail(1))["cell"][0]
