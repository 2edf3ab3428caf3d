"""Cells of a request brought into the kinds of the table that was learned from, each on its own.

What a cell becomes never hangs on the cells beside it: a row is answered the same alone and in a batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl

from tunewright.data.encoding import has_surrogate
from tunewright.data.numbers import MISSING
from tunewright.data.other_ways import TRUTHS, read_dates, read_numbers
from tunewright.records import Column, Kind

DTYPES: dict[Kind, pl.DataType] = {"number": pl.Float64(), "boolean": pl.Boolean(), "datetime": pl.Datetime("us")}
Cells = list[Any]
Wrong = dict[int, str]  # place in the request to what is wrong there
_KINDS = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "an object"}


def dtype(kind: Kind) -> pl.DataType:
    """The polars type of a kind's cells; everything that is no number, truth or moment is text."""
    return DTYPES.get(kind, pl.String())


def read_cells(column: Column, values: Sequence[Any], *, longest: int) -> tuple[Cells, Wrong]:
    """Read the cells of one column; None stays None, which is an empty cell.

    Args:
        column: as it was learned.
        values: JSON values, one per row.
        longest: characters of a text, at most.

    Returns:
        The cells, None where one cannot be read, and what is wrong where.

    >>> column = Column(name="n", kind="number", role="feature", why="")
    >>> read_cells(column, [1, "2,000", "n/a", True], longest=9)
    ([1.0, 2000.0, None, None], {3: 'must be a number; got true or false'})
    """
    return _READERS.get(column.kind, _texts)(column, values, longest)


def _kind(value: Any) -> str:
    return _KINDS.get(type(value), "something else")


def _texts(column: Column, values: Sequence[Any], longest: int) -> tuple[Cells, Wrong]:
    free = column.kind == "text"
    cells: Cells = []
    wrong: Wrong = {}
    for place, value in enumerate(values):
        if free or isinstance(value, str) or value is None:
            fault = None if value is None else _text_fault(value, longest)
            if fault is not None:
                wrong[place] = fault
            cells.append(None if fault is not None or value == "" else value)
            continue
        word = _word(value)
        if word is None:
            wrong[place] = f"must be a text, a number or a truth; got {_kind(value)}"
        cells.append(word)
    return cells, wrong


def _text_fault(value: Any, longest: int) -> str | None:
    if not isinstance(value, str):
        return f"must be a text; got {_kind(value)}"
    if len(value) > longest:
        return f"must have at most {longest:,} characters; got {len(value):,}"
    if "\0" in value:
        return "must not hold a NUL character"
    if has_surrogate(value):
        return "must be Unicode; got half of a surrogate pair"
    return None


def _word(value: Any) -> str | None:
    """A value of a category as a table has it: `conform` reads 3, 3.0 and "3" alike."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if abs(value) < 1 << 63 else None
    if not isinstance(value, float) or not math.isfinite(value):
        return None
    if value == round(value) and abs(value) < 1 << 63:
        return str(int(value))
    return str(pl.Series([value]).cast(pl.String)[0])


def _numbers(column: Column, values: Sequence[Any], longest: int) -> tuple[Cells, Wrong]:
    def one(value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return f"must be a number; got {_kind(value)}"
        try:
            number = float(value)
        except OverflowError:
            return "must be a number that 64 bits can hold"
        return number if math.isfinite(number) else None

    return _mixed(column, values, one, read_numbers, "must be a number; the text cannot be read as one")


def _booleans(column: Column, values: Sequence[Any], longest: int) -> tuple[Cells, Wrong]:
    def one(value: Any) -> Any:
        if isinstance(value, bool):
            return value
        if isinstance(value, int | float) and value in (0, 1):
            return bool(value)
        return f"must be true or false; got {_kind(value)}"

    def words(texts: pl.Series, column: Column) -> pl.Series:
        read = [TRUTHS.get(text.strip().lower()) for text in texts.to_list()]
        return pl.Series(texts.name, read, dtype=pl.Boolean)

    return _mixed(column, values, one, words, "must be true or false; the text says neither")


def _moments(column: Column, values: Sequence[Any], longest: int) -> tuple[Cells, Wrong]:
    def one(value: Any) -> Any:
        if isinstance(value, datetime) and value.tzinfo is None:
            return value
        if isinstance(value, date) and not isinstance(value, datetime):
            return datetime(value.year, value.month, value.day)
        return f"must be a date written as text; got {_kind(value)}"

    form = column.format or "%Y-%m-%d"
    return _mixed(column, values, one, read_dates, f"must be a date written like {form}; the text cannot be read so")


def _mixed(
    column: Column,
    values: Sequence[Any],
    one: Callable[[Any], Any],
    words: Callable[[pl.Series, Column], pl.Series],
    unreadable: str,
) -> tuple[Cells, Wrong]:
    """Values of a kind that may also be written as text: `one` reads a value that is none, `words` all texts."""
    cells: Cells = [None] * len(values)
    wrong: Wrong = {}
    texts: dict[int, str] = {}
    for place, value in enumerate(values):
        if value is None:
            continue
        if isinstance(value, str):
            if value.strip().lower() not in MISSING:
                texts[place] = value[:_TEXT]
            continue
        read = one(value)
        if isinstance(read, str):
            wrong[place] = read
        else:
            cells[place] = read
    if texts:
        found = words(pl.Series(column.name, list(texts.values()), dtype=pl.String), column)
        for place, cell in zip(texts, found.to_list(), strict=True):
            cells[place] = cell
            if cell is None:
                wrong[place] = unreadable
    return cells, wrong


_TEXT = 200  # characters of a number, a truth or a date that is written as text
_READERS: dict[Kind, Callable[[Column, Sequence[Any], int], tuple[Cells, Wrong]]] = {
    "number": _numbers,
    "boolean": _booleans,
    "datetime": _moments,
}
