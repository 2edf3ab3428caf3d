"""What all faults share: which rows to draw, how to write cells, how to add columns and rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np
import polars as pl

from tunewright.planting.about import Ints, Planted

T = TypeVar("T")
FEWEST = 3  # a fault in fewer rows is hardly a fault of the table


def draw(rows: Ints, rate: float, rng: np.random.Generator, *, of: int | None = None) -> Ints | None:
    """Draw rows without repetition; None where there are too few.

    Args:
        rows: those to draw from.
        rate: share of `of` rows, at least three.
        rng: draws.
        of: rows that the rate is a share of; those to draw from by default.

    >>> draw(np.arange(100), 0.05, np.random.default_rng(0)).tolist()
    [26, 30, 50, 61, 81]
    """
    count = max(FEWEST, round(rate * (len(rows) if of is None else of)))
    if len(rows) < FEWEST:
        return None
    return np.sort(rng.choice(rows, min(count, len(rows)), replace=False)).astype(np.int64)


def pick(options: Sequence[T], rng: np.random.Generator) -> T:
    """One of several."""
    return options[int(rng.integers(len(options)))]


def shuffled(options: Sequence[T], rng: np.random.Generator) -> list[T]:
    """All of them in a random order."""
    return [options[int(place)] for place in rng.permutation(len(options))]


def present(frame: pl.DataFrame, column: str, rows: Ints) -> Ints:
    """Those of the rows whose cell holds something.

    >>> present(pl.DataFrame({"a": ["x", " ", None]}), "a", np.arange(3)).tolist()
    [0]
    """
    cells = frame[column][rows]
    full = cells.is_not_null()
    if cells.dtype == pl.String:
        full &= cells.str.strip_chars() != ""
    if cells.dtype.is_float():
        full &= cells.is_not_nan()
    kept: Ints = rows[full.fill_null(False).to_numpy()]
    return kept


def put(frame: pl.DataFrame, column: str, rows: Ints, cells: pl.Series | Sequence[Any]) -> pl.DataFrame:
    """The frame with new cells in one column; its type stays.

    >>> put(pl.DataFrame({"a": [1, 2, 3]}), "a", np.array([2]), [None])["a"].to_list()
    [1, 2, None]
    """
    old = frame[column]
    new = pl.Series(column, cells, dtype=old.dtype)
    where = np.arange(frame.height)
    where[rows] = frame.height + np.arange(len(rows))
    return frame.with_columns(pl.concat([old, new]).gather(where))


def changed(frame: pl.DataFrame, rows: Ints, columns: tuple[str, ...]) -> Planted:
    """What comes of changing cells in place."""
    return Planted(frame=frame, rows=tuple(rows.tolist()), columns=columns, origin=np.arange(frame.height))


def with_copies(frame: pl.DataFrame, sources: Ints, copies: pl.DataFrame, columns: tuple[str, ...] = ()) -> Planted:
    """What comes of adding copies, changed or not, of some rows at the end."""
    added = frame.height + np.arange(len(sources))
    return Planted(
        frame=pl.concat([frame, copies]),
        rows=tuple(added.tolist()),
        columns=columns,
        origin=np.concatenate([np.arange(frame.height), sources]),
        added=added,
        beside=tuple(sorted(set(sources.tolist()))),
    )


def with_columns(frame: pl.DataFrame, *cells: pl.Series) -> Planted:
    """What comes of new columns, put in front of the last one."""
    old = frame.get_columns()
    frame = pl.DataFrame([*old[:-1], *cells, *old[-1:]])
    names = tuple(one.name for one in cells)
    return Planted(frame=frame, rows=(), columns=names, origin=np.arange(frame.height))


def new_name(frame: pl.DataFrame, options: Sequence[str], rng: np.random.Generator) -> str:
    """One of the names, numbered if the table has it already.

    >>> new_name(pl.DataFrame({"batch": [1]}), ["batch"], np.random.default_rng(0))
    'batch_2'
    """
    name = pick(options, rng)
    number = 2
    taken = {column.lower() for column in frame.columns}
    wanted = name
    while wanted.lower() in taken:
        wanted, number = f"{name}_{number}", number + 1
    return wanted


def as_read(frame: pl.DataFrame, cells: pl.Series) -> pl.Series:
    """New cells in the type that a file would give them: text where every column of the frame is text."""
    texts = all(dtype == pl.String for dtype in frame.schema.values())
    return cells.cast(pl.String) if texts else cells
