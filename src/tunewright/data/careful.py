"""Reading a damaged delimited file line by line, so that one bad line costs one row and moves none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from tunewright.data.encoding import DAMAGES, MAX_FIELD, Damage, decode_line
from tunewright.data.faults import Fault


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How cells are parted; whether quotes enclose cells or are plain text; whether enclosed cells may span lines."""

    delimiter: str
    quoting: bool = True
    multiline: bool = True


def read_carefully(data: bytes, names: Sequence[str], dialect: Dialect) -> tuple[pl.DataFrame, list[Fault]]:
    r"""Read what no strict reader takes: every row in its place, damaged rows as nulls.

    Quotes that do not fit RFC 4180 are plain text where that gives a row of the right width. Lines are separated by
    CR LF, LF or CR. A blank line is no row, except in a file of one column, where it is an empty cell.

    Args:
        data: the file, header included.
        names: the header's names.
        dialect: the file's dialect.

    >>> frame, faults = read_carefully(b'a,b\n1,"x\n2\n3,y', ["a", "b"], Dialect(delimiter=","))
    >>> frame.rows(), [fault.row for fault in faults]
    ([('1', '"x'), (None, None), ('3', 'y')], [1])
    """
    decoded = [decode_line(line) for line in data.splitlines(keepends=True)]  # of bytes: at \n, \r and \r\n only
    lines = [text for text, _ in decoded]
    damage = [what for _, what in decoded]
    rows: list[list[str] | None] = []
    faults: list[Fault] = []
    _, at = record(lines, 0, dialect)
    while at < len(lines):
        if len(names) > 1 and not lines[at].strip(" \r\n"):
            at += 1
            continue
        cells, after = _fitting(lines, at, dialect, len(names))
        fault = _judge(cells, names, {what for what in damage[at:after] if what}, len(rows))
        if fault is not None:
            faults.append(fault)
        rows.append(None if fault is not None and fault.lost else cells)
        at = after
    return _frame(rows, names), faults


def record(lines: Sequence[str], start: int, dialect: Dialect) -> tuple[list[str] | None, int]:
    r"""Cells of the record that begins at a line, and the line after it; None when its quotes do not fit.

    >>> record(['a,"b\n', 'c"\n', 'd'], 0, Dialect(delimiter=","))
    (['a', 'b\nc'], 2)
    """
    line = lines[start]
    if not dialect.quoting or '"' not in line:
        return line.rstrip("\r\n").split(dialect.delimiter), start + 1
    cells: list[str] = []
    at, index = 0, start
    while True:
        if line.startswith('"', at):
            text, at, index = _quoted(lines, at + 1, index, dialect.multiline)
            if text is None:
                return None, start + 1
            line = lines[index]
        else:
            stop = line.find(dialect.delimiter, at)
            stop = len(line.rstrip("\r\n")) if stop < 0 else stop
            text, at = line[at:stop], stop
        cells.append(text)
        if line.startswith(dialect.delimiter, at):
            at += 1
        elif line[at:].strip("\r\n"):
            return None, start + 1
        else:
            return cells, index + 1


def tabs_are_quoted(data: bytes, delimiter: str = "\t") -> bool:
    r"""Tell whether quotes of a tab separated file enclose cells: no line may read better with quotes as plain text.

    >>> tabs_are_quoted(b'a\tb\n1\t"x"'), tabs_are_quoted(b'a\tb\n1\t"x'), tabs_are_quoted(b'a\tb\n1\t"x" y')
    (True, False, False)
    """
    lines = [decode_line(line)[0] for line in data.splitlines(keepends=True)]
    quoted = Dialect(delimiter=delimiter, multiline=False)
    plain = Dialect(delimiter=delimiter, quoting=False)

    def width(at: int, dialect: Dialect) -> int:
        return len(record(lines, at, dialect)[0] or ())

    expected = width(0, quoted) or width(0, plain)
    marked = (at for at, line in enumerate(lines) if '"' in line)
    return all(width(at, quoted) == expected or width(at, plain) != expected for at in marked)


def _quoted(lines: Sequence[str], at: int, index: int, multiline: bool) -> tuple[str | None, int, int]:
    """Text up to the closing quote, which may be on a later line; None when there is none within reach."""
    parts: list[str] = []
    size = 0
    line = lines[index]
    while True:
        close = line.find('"', at)
        if close < 0:
            parts.append(line[at:])
            size += len(line)
            index, at = index + 1, 0
            if not multiline or index == len(lines) or size > 10 * MAX_FIELD:
                return None, at, index
            line = lines[index]
        elif line.startswith('"', close + 1):
            parts.append(line[at : close + 1])
            at = close + 2
        else:
            parts.append(line[at:close])
            return "".join(parts), close + 1, index


def _fitting(lines: Sequence[str], at: int, dialect: Dialect, width: int) -> tuple[list[str], int]:
    """The record at a line, with its quotes as quoting; where that does not fit, with its quotes as plain text."""
    cells, after = record(lines, at, dialect)
    if cells is not None and (len(cells) == width or after == at + 1):
        return cells, after
    return lines[at].rstrip("\r\n").split(dialect.delimiter), at + 1


def _judge(cells: list[str], names: Sequence[str], damage: set[Damage], row: int) -> Fault | None:
    if len(cells) != len(names):
        detail = f"{len(cells)} cells where the header has {len(names)}"
        return Fault(row=row, kind="shifted_row", what="have more or fewer cells than the header", detail=detail)
    if any(len(cell) > MAX_FIELD for cell in cells):
        columns = tuple(name for name, cell in zip(names, cells, strict=True) if len(cell) > MAX_FIELD)
        return Fault(
            row=row, kind="mixed_format", what=f"have a cell of more than {MAX_FIELD:,} characters", columns=columns
        )
    for sort, what, shows in DAMAGES:
        if sort in damage:
            columns = tuple(name for name, cell in zip(names, cells, strict=True) if shows(cell))
            return Fault(row=row, kind="encoding", what=what, columns=columns, lost=sort != "foreign")
    return None


def _frame(rows: Sequence[Sequence[str] | None], names: Sequence[str]) -> pl.DataFrame:
    columns = [
        pl.Series(name, [None if row is None else row[place] or None for row in rows], dtype=pl.String)
        for place, name in enumerate(names)
    ]
    return pl.DataFrame(columns)
