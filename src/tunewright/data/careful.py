"""Reading a damaged delimited file line by line, so that one bad line costs one row and moves none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import polars as pl

from tunewright.data.encoding import DAMAGES, MAX_FIELD, Damage, decode_line
from tunewright.data.faults import Fault
from tunewright.data.lines import Lines, split_lines


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """How cells are parted; whether quotes enclose cells or are plain text; whether enclosed cells may span lines."""

    delimiter: str
    quoting: bool = True
    multiline: bool = True


class NumberedLines(Protocol):
    """Lines by their number: a list of them, or `Lines`, which has only those in memory that are needed."""

    def __getitem__(self, place: int, /) -> str: ...

    def __len__(self) -> int: ...


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
    rows: list[list[str] | None] = []
    faults: list[Fault] = []
    for cells, fault in careful_rows((data,), names, dialect):
        rows.append(cells)
        faults.extend([fault] if fault is not None else [])
    return frame_of(rows, names), faults


def careful_rows(
    parts: Iterable[bytes], names: Sequence[str], dialect: Dialect
) -> Iterator[tuple[list[str] | None, Fault | None]]:
    """The rows that `read_carefully` reads, of a file that comes in steps: cells, and what is wrong with the row.

    No more is held than the record at hand, and as far as the search for the end of its quotes goes.
    """
    lines = Lines(split_lines(parts))
    _, at = record(lines, 0, dialect)
    row = 0
    while at < len(lines):
        if len(names) > 1 and not lines[at].strip(" \r\n"):
            at += 1
            continue
        cells, after = _fitting(lines, at, dialect, len(names))
        fault = _judge(cells, names, lines.damage(at, after), row)
        yield (None if fault is not None and fault.lost else cells), fault
        row, at = row + 1, after
        lines.forget(at)


def record(lines: NumberedLines, start: int, dialect: Dialect) -> tuple[list[str] | None, int]:
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


def tabs_are_quoted(parts: Iterable[bytes], delimiter: str = "\t") -> bool:
    r"""Tell whether quotes of a tab separated file enclose cells: no line may read better with quotes as plain text.

    >>> tabs_are_quoted([b'a\tb\n1\t"x"']), tabs_are_quoted([b'a\tb\n1\t"x']), tabs_are_quoted([b'a\tb\n1\t"x" y'])
    (True, False, False)
    """
    quoted = Dialect(delimiter=delimiter, multiline=False)
    plain = Dialect(delimiter=delimiter, quoting=False)

    def width(line: str, dialect: Dialect) -> int:
        return len(record([line], 0, dialect)[0] or ())

    expected = 0
    for place, raw in enumerate(split_lines(parts)):
        if place and b'"' not in raw:
            continue
        line = decode_line(raw)[0]
        expected = expected or width(line, quoted) or width(line, plain)
        if '"' in line and width(line, quoted) != expected and width(line, plain) == expected:
            return False
    return True


def _quoted(lines: NumberedLines, at: int, index: int, multiline: bool) -> tuple[str | None, int, int]:
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


def _fitting(lines: NumberedLines, at: int, dialect: Dialect, width: int) -> tuple[list[str], int]:
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


def frame_of(rows: Sequence[Sequence[str] | None], names: Sequence[str]) -> pl.DataFrame:
    """Rows of cells as a frame of text; an empty cell is null, and so is every cell of a row that is None."""
    columns = [
        pl.Series(name, [None if row is None else row[place] or None for row in rows], dtype=pl.String)
        for place, name in enumerate(names)
    ]
    return pl.DataFrame(columns)
