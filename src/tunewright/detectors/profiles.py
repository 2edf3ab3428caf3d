"""What the cells of a column usually look like, and how likely a cell is under it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tunewright.data.number_forms import PLAIN

Floats = np.ndarray[Any, np.dtype[np.float64]]

HEAD = 16  # characters that a shape is taken from
REPEATING = 0.25  # share of different cells up to which looking each up is cheaper than reading it again
KEPT = 2_000  # values, and shapes, that a column is known by
OF_A_SHAPE = 0.001  # probability of one value among those of its shape
UNSEEN = 0.5  # rows that a shape counts for which no row has


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """A column of n cells: as written (null where blank), and their shapes."""

    values: pl.Series
    shapes: pl.Series

    def take(self, rows: np.ndarray[Any, Any]) -> Cells:
        """The cells of some rows."""
        return Cells(values=self.values[rows], shapes=self.shapes[rows])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Profile:
    """Shares of the commonest values and shapes among the `rows` cells of a column; `numeric`: most are numbers."""

    values: dict[str, float]
    shapes: dict[str, float]
    rows: int
    numeric: bool

    def likelihood(self, cells: Cells) -> Floats:
        """(n,) probability of each cell: half by its value, half by its shape."""
        value = cells.values.replace_strict(self.values, default=0.0, return_dtype=pl.Float64).fill_null(0.0)
        return (value / 2).to_numpy() + self.share(cells) * OF_A_SHAPE / 2

    def share(self, cells: Cells) -> Floats:
        """(n,) share of the column's cells that have the shape of each cell."""
        never = UNSEEN / (self.rows + 1)
        return cells.shapes.replace_strict(self.shapes, default=never, return_dtype=pl.Float64).to_numpy()


def cells_of(column: pl.Series) -> Cells:
    """Read a column of text; each different cell is looked at once where they repeat.

    >>> cells_of(pl.Series(["10,000+", "07-Jan-18", "Free", " ", "some more words than three"])).shapes.to_list()
    ['9,9+', '9-Aa-9', 'Aa', '', 'words']
    """
    cells = column.rename("cell")
    text = pl.col("cell").str.strip_chars()
    values = cells.to_frame().select(pl.when(text != "").then(text)).to_series()
    distinct = values.unique()
    if len(distinct) > REPEATING * len(values):
        return Cells(values=values, shapes=_shapes(values))
    shapes = values.replace_strict(distinct, _shapes(distinct), return_dtype=pl.String)
    return Cells(values=values, shapes=shapes)


def _shapes(values: pl.Series) -> pl.Series:
    text = pl.col("cell")
    plain = text.str.contains(PLAIN)
    number = pl.when(plain).then(text).cast(pl.Float64, strict=False)
    size = (2 * (number.abs() * 1000 + 1).log10()).round(0).cast(pl.Int64).cast(pl.String)
    kind = pl.when(number == number.round(0)).then(pl.lit("whole")).otherwise(pl.lit("decimal"))
    sign = pl.when(number < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    form = text.str.slice(0, HEAD).str.replace_all(r"[0-9]+", "9").str.replace_all(r"\p{Lu}+", "A")
    form = form.str.replace_all(r"[\p{Ll}\p{Lo}\p{M}]+", "a").str.replace_all(r"(?:A?a A?a)(?: A?a)*", "Aa Aa")
    shape = (
        pl.when(plain)
        .then(pl.concat_str(kind, sign, size))
        .when(text.str.count_matches(" ", literal=True) > 3)
        .then(pl.lit("words"))
        .otherwise(form)
    )
    return values.rename("cell").to_frame().select(shape.fill_null("")).to_series()


def profile(cells: Cells) -> Profile:
    """Count what a column holds."""
    rows = len(cells.values)
    numeric = int(cells.shapes.str.contains("^(?:whole|decimal)").sum()) >= 0.8 * int((cells.shapes != "").sum())
    return Profile(
        values=_shares(cells.values.drop_nulls(), rows, least=2),
        shapes=_shares(cells.shapes, rows, least=1),
        rows=rows,
        numeric=bool(numeric),
    )


def _shares(values: pl.Series, rows: int, *, least: int) -> dict[str, float]:
    """Shares of what occurs in so many rows at least; a value that one row alone has says nothing of the others."""
    counts = values.rename("x").value_counts(name="n").filter(pl.col("n") >= least)
    counts = counts.sort("n", "x", descending=[True, False]).head(KEPT)
    return dict(zip(counts.get_column("x").to_list(), (counts.get_column("n") / rows).to_list(), strict=True))
