"""Rows that are objects (JSON lines, lists of dicts) turned into columns of one type each."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any

import polars as pl

from tunewright.data.encoding import FOREIGN, MAX_FIELD, as_utf8, decode_line, has_surrogate
from tunewright.data.faults import Fault
from tunewright.errors import DataError

MOST_CELLS = 20_000_000  # up to this size a table may be as empty as it likes
MOST_SPARSE = 100  # cells of the table per value given
_LARGEST = 1 << 63


def read_jsonl(data: bytes, *, file: str) -> tuple[pl.DataFrame, list[Fault]]:
    r"""Read one JSON object per line; a line that is none is a row of nulls. Blank lines are no rows.

    Raises:
        DataError: no line holds an object, or nothing but blank lines.

    >>> read_jsonl(b'{"text": "a", "label": ["x"]}\n{"text": 1}\n', file="t.jsonl")[0].rows()
    [('a', ['x']), ('1', None)]
    """
    lines = [line for line in as_utf8(data, file).splitlines() if line.strip()]
    rows: list[Mapping[str, Any] | None] = []
    faults: list[Fault] = []
    for row, line in enumerate(lines):
        value, fault = _object(line, row)
        rows.append(value)
        faults.extend([fault] if fault is not None else [])
    return from_rows(rows, faults, file=file)


def _object(line: bytes, row: int) -> tuple[Mapping[str, Any] | None, Fault | None]:
    text, damage = decode_line(line)
    if damage == "nul":
        return None, Fault(row=row, kind="encoding", what="hold a NUL byte")
    if damage == "surrogate":
        return None, Fault(row=row, kind="encoding", what="hold a lone surrogate")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        place = f"near character {error.pos}" if isinstance(error, json.JSONDecodeError) else ""
        return None, Fault(row=row, kind="mixed_format", what="are not valid JSON", detail=place)
    if not isinstance(value, dict):
        return None, Fault(row=row, kind="mixed_format", what="are JSON, but no object with named values")
    if damage == "foreign":
        return value, Fault(
            row=row,
            kind="encoding",
            what=FOREIGN,
            columns=_foreign(value),
            lost=False,
        )
    return value, None


def _foreign(value: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(name for name, cell in value.items() if isinstance(cell, str) and not cell.isascii())


def from_rows(
    rows: Sequence[Mapping[str, Any] | None], faults: list[Fault], *, file: str
) -> tuple[pl.DataFrame, list[Fault]]:
    """Make a frame of objects, columns in order of first appearance; each column gets the one type that holds it all.

    Args:
        rows: one mapping per row; None is a row of nulls.
        faults: what is already known to be wrong; rows with cells that cannot be kept are added.
        file: the name for messages.

    Raises:
        DataError: there are no rows or no named values; or each row has names of its own.
    """
    kept: list[Mapping[str, Any]] = []
    found = list(faults)
    for number, row in enumerate(rows):
        fault = _unkeepable(row, number)
        found.extend([fault] if fault is not None else [])
        kept.append({} if row is None or fault is not None else row)
    names = list(dict.fromkeys(str(name) for row in kept for name in row))
    if not names:
        if found:
            first = found[0]
            raise DataError(
                f"Rows must be readable. {file}: no row is; all {first.what}. Write one JSON object per line."
            )
        raise DataError(f"Data needs rows with named values. {file} has none. Add rows.")
    _refuse_scattered(kept, len(names), file)
    by_name = [{str(name): cell for name, cell in row.items()} for row in kept]
    return pl.DataFrame([_column(name, [row.get(name) for row in by_name]) for name in names]), found


def _refuse_scattered(rows: Sequence[Mapping[str, Any]], names: int, file: str) -> None:
    """Where each row brings names of its own, a small file would become a table of nothing but nulls."""
    cells = sum(map(len, rows))
    if len(rows) * names > max(MOST_CELLS, MOST_SPARSE * cells):
        raise DataError(
            f"Rows must share their names. {file}: {len(rows)} rows bring {names} different names, of which a row has "
            f"{cells / len(rows):.0f}. Name the same thing alike in every row, or put the values into one list."
        )


def _unkeepable(row: Mapping[str, Any] | None, number: int) -> Fault | None:
    for name, cell in (row or {}).items():
        for text in _texts(cell):
            if "\0" in text:
                return Fault(row=number, kind="encoding", what="hold a NUL byte", columns=(str(name),))
            if has_surrogate(text) or has_surrogate(str(name)):
                where = () if has_surrogate(str(name)) else (str(name),)
                return Fault(row=number, kind="encoding", what="hold a lone surrogate", columns=where)
            if len(text) > MAX_FIELD:
                what = f"have a cell of more than {MAX_FIELD:,} characters"
                return Fault(row=number, kind="mixed_format", what=what, columns=(str(name),))
    return None


def _texts(cell: Any) -> Sequence[str]:
    if isinstance(cell, str):
        return (cell,)
    if isinstance(cell, list | tuple):
        return [text for item in cell for text in _texts(item)]
    if isinstance(cell, Mapping):
        return [text for item in cell.values() for text in _texts(item)]
    return ()


def _column(name: str, values: list[Any]) -> pl.Series:
    plain = [value.item() if hasattr(value, "item") and not isinstance(value, list) else value for value in values]
    present = [value for value in plain if value is not None]
    if present and all(isinstance(value, list | tuple) for value in present):
        lists = [None if value is None else [_text(item) for item in value if item is not None] for value in plain]
        return pl.Series(name, lists, dtype=pl.List(pl.String))
    for fits, dtype, make in _TYPES:
        if present and all(fits(value) for value in present):
            return pl.Series(name, [None if value is None else make(value) for value in plain], dtype=dtype)
    return pl.Series(name, [None if value is None else _text(value) for value in plain], dtype=pl.String)


def _is_int(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -_LARGEST <= value < _LARGEST


def _is_number(value: Any) -> bool:
    return isinstance(value, float) or _is_int(value)


_TYPES: tuple[tuple[Callable[[Any], bool], Any, Callable[[Any], Any]], ...] = (
    (lambda value: isinstance(value, str), pl.String, str),
    (lambda value: isinstance(value, bool), pl.Boolean, bool),
    (_is_int, pl.Int64, int),
    (_is_number, pl.Float64, float),
    (lambda value: isinstance(value, datetime) and value.tzinfo is None, pl.Datetime("us"), lambda value: value),
    (lambda value: isinstance(value, date) and not isinstance(value, datetime), pl.Date, lambda value: value),
)


def _text(value: Any) -> str:
    """A value of a mixed column as text: strings as they are, the rest as JSON writes it."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
