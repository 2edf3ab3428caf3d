"""Rows that are objects (JSON lines, lists of dicts) turned into columns of one type each."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import polars as pl

from tunewright.data.encoding import FOREIGN, MAX_FIELD, as_utf8, decode_line, has_surrogate
from tunewright.data.faults import Fault
from tunewright.data.object_columns import ObjectColumns


def read_jsonl(data: bytes, *, file: str) -> tuple[pl.DataFrame, list[Fault]]:
    r"""Read one JSON object per line; a line that is none is a row of nulls. Blank lines are no rows.

    Raises:
        DataError: no line holds an object, or nothing but blank lines.

    >>> read_jsonl(b'{"text": "a", "label": ["x"]}\n{"text": 1}\n', file="t.jsonl")[0].rows()
    [('a', ['x']), ('1', None)]
    """
    rows, faults = objects_of(line for line in as_utf8(data, file).splitlines() if line.strip())
    return from_rows(rows, faults, file=file)


def objects_of(lines: Iterable[bytes], start: int = 0) -> tuple[list[Mapping[str, Any] | None], list[Fault]]:
    """The objects of some lines, None where a line holds none, and what is wrong with them.

    Args:
        lines: none of them blank.
        start: the row number of the first.
    """
    rows: list[Mapping[str, Any] | None] = []
    faults: list[Fault] = []
    for row, line in enumerate(lines, start=start):
        value, fault = _object(line, row)
        rows.append(value)
        faults.extend([fault] if fault is not None else [])
    return rows, faults


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
    kept, more = keepable(rows)
    found = [*faults, *more]
    columns = ObjectColumns()
    columns.add(kept, file=file)
    columns.refuse_nameless(found[0] if found else None, file)
    return columns.frame(kept), found


def keepable(rows: Sequence[Mapping[str, Any] | None], start: int = 0) -> tuple[list[Mapping[str, Any]], list[Fault]]:
    """The rows with text for names; empty where there is no object or a cell that cannot be kept, which is told.

    Args:
        rows: one mapping per row, or None.
        start: the row number of the first.
    """
    kept: list[Mapping[str, Any]] = []
    found: list[Fault] = []
    for number, row in enumerate(rows, start=start):
        fault = _unkeepable(row, number)
        found.extend([fault] if fault is not None else [])
        kept.append({} if row is None or fault is not None else {str(name): cell for name, cell in row.items()})
    return kept, found


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
