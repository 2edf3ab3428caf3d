"""What the columns of objects are: names in order of first appearance, each of the one type that holds its values."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl

from tunewright.data.faults import Fault
from tunewright.errors import DataError

MOST_CELLS = 20_000_000  # up to this size a table may be as empty as it likes
MOST_SPARSE = 100  # cells of the table per value given
_LARGEST = 1 << 63


class ObjectColumns:
    """What the columns of objects are, learned from all rows, some at a time; then any of them can be made a frame.

    >>> columns = ObjectColumns()
    >>> columns.add([{"a": 1}], file="t.jsonl")
    >>> columns.add([{"a": "x", "b": 2}], file="t.jsonl")
    >>> columns.frame([{"a": 1}]).rows()
    [('1', None)]
    """

    def __init__(self) -> None:
        self.rows = 0
        self.cells = 0
        # By name, in order of first appearance: the types that hold every value so far; None before the first value.
        self._types: dict[str, tuple[_Type, ...] | None] = {}

    def add(self, rows: Sequence[Mapping[str, Any]], *, file: str) -> None:
        """Look at further rows.

        Raises:
            DataError: each row brings names of its own; `file` is in the message.
        """
        self.rows += len(rows)
        self.cells += sum(map(len, rows))
        for row in rows:
            for name in row:
                self._types.setdefault(name, None)
        self._refuse_scattered(file)
        for name, known in self._types.items():
            present = [value for value in (_plain(row.get(name)) for row in rows) if value is not None]
            if present:
                fitting = _TYPES if known is None else known
                self._types[name] = tuple(one for one in fitting if all(map(one[0], present)))

    def frame(self, rows: Sequence[Mapping[str, Any]]) -> pl.DataFrame:
        """Rows that were looked at as a frame: each column of the first type that holds all its values, or text."""
        return pl.DataFrame(
            [
                _column(name, [_plain(row.get(name)) for row in rows], types[0] if types else _TEXT)
                for name, types in self._types.items()
            ]
        )

    def refuse_nameless(self, first: Fault | None, file: str) -> None:
        """Refuse rows without any named value; `first` is what is wrong with the first of them."""
        if self._types:
            return
        if first is not None:
            raise DataError(
                f"Rows must be readable. {file}: no row is; all {first.what}. Write one JSON object per line."
            )
        raise DataError(f"Data needs rows with named values. {file} has none. Add rows.")

    def _refuse_scattered(self, file: str) -> None:
        """Where each row brings names of its own, a small file would become a table of nothing but nulls."""
        names = len(self._types)
        if self.rows * names > max(MOST_CELLS, MOST_SPARSE * self.cells):
            raise DataError(
                f"Rows must share their names. {file}: {self.rows} rows bring {names} different names, of which a row "
                f"has {self.cells / self.rows:.0f}. Name the same thing alike in every row, or put the values into one "
                "list."
            )


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") and not isinstance(value, list) else value


def _column(name: str, values: list[Any], kind: _Type) -> pl.Series:
    _, dtype, make = kind
    return pl.Series(name, [None if value is None else make(value) for value in values], dtype=dtype)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_LARGEST <= value < _LARGEST


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or _is_int(value)


def _text(value: Any) -> str:
    """A value of a mixed column as text: strings as they are, the rest as JSON writes it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _list(value: Any) -> list[str]:
    return [_text(item) for item in value if item is not None]


_Type = tuple[Callable[[Any], bool], Any, Callable[[Any], Any]]
_TEXT: _Type = (lambda value: True, pl.String, _text)
_TYPES: tuple[_Type, ...] = (
    (lambda value: isinstance(value, list | tuple), pl.List(pl.String), _list),
    (lambda value: isinstance(value, str), pl.String, str),
    (lambda value: isinstance(value, bool), pl.Boolean, bool),
    (_is_int, pl.Int64, int),
    (_is_number, pl.Float64, float),
    (lambda value: isinstance(value, datetime) and value.tzinfo is None, pl.Datetime("us"), lambda value: value),
    (lambda value: isinstance(value, date) and not isinstance(value, datetime), pl.Date, lambda value: value),
)
