"""Comma, semicolon and tab separated files, every column as text.

A file that is clean (valid UTF-8, no NUL, quotes only where RFC 4180 has them, every row as wide as the header) is
handed to polars, after a check that costs one pass over its bytes. One that is not is read with care (`careful`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import numpy as np
import polars as pl

from tunewright.data.careful import Dialect, read_carefully, record, tabs_are_quoted
from tunewright.data.encoding import MAX_FIELD, as_utf8, decode_line, is_clean
from tunewright.data.faults import Fault
from tunewright.data.names import listed
from tunewright.errors import DataError

# For a header of one name: commas in the rows under it are text, so that cells are parted by what no row holds.
_NONE = [chr(code) for code in range(0x1F, 0, -1) if chr(code) not in "\t\n\r"]
HEAD = 1 << 20  # bytes within which the header must end


def read_delimited(data: bytes, *, tabs: bool, file: str) -> tuple[pl.DataFrame, list[Fault]]:
    r"""Read a delimited file; every column is String, an empty cell is null.

    Args:
        data: the file's bytes.
        tabs: the delimiter is a tab and quotes may be plain text; otherwise it is sniffed from the header line.
        file: its name, for messages.

    Returns:
        The frame, and the rows that were damaged. A row that cannot be read is a row of nulls.

    Raises:
        DataError: no header, no rows, or two columns of one name.

    >>> read_delimited(b"a;b\r\n1;\r\n2;x\r\n", tabs=False, file="t.csv")[0].rows()
    [('1', None), ('2', 'x')]
    """
    data = as_utf8(data, file).lstrip(b"\r\n").rstrip(b"\r\n")
    head = head_lines(data, file)
    dialect = dialect_of(head, tabs=tabs, parts=lambda: (data,))
    names = names_of(record(head, 0, dialect)[0], file)
    frame = read_clean(data, names, dialect)
    faults: list[Fault] = []
    if frame is None:
        frame, faults = read_carefully(data, names, dialect)
    if frame.height == 0:
        raise only_a_header(file)
    return frame, faults


def head_lines(start: bytes, file: str) -> list[str]:
    """The first lines of a file, of which the header is made.

    Args:
        start: the first bytes of the file, `HEAD` of them where there are as many, without line ends before them.
        file: its name.

    Raises:
        DataError: there are none.
    """
    if not start:
        raise DataError(f"A data file needs a header and rows. {file} is empty. Export the data again.")
    return [decode_line(line)[0] for line in start[:HEAD].splitlines(keepends=True)]


def dialect_of(head: Sequence[str], *, tabs: bool, parts: Callable[[], Iterable[bytes]]) -> Dialect:
    """How the cells of a file are parted.

    Args:
        head: its first lines.
        tabs: the delimiter is a tab, and quotes may be plain text.
        parts: gives the whole of the file in steps, where the head does not tell.
    """
    if tabs:
        quoting = any(b'"' in part for part in parts()) and tabs_are_quoted(parts())
        return Dialect(delimiter="\t", quoting=quoting, multiline=False)
    cells = {mark: len(record(head, 0, Dialect(delimiter=mark))[0] or ()) for mark in ",;\t"}
    delimiter = max(cells, key=lambda mark: cells[mark])
    if cells[delimiter] == 1:
        held = {mark for part in parts() for mark in _NONE if mark.encode() in part}
        delimiter = next((mark for mark in _NONE if mark not in held), _NONE[0])
    return Dialect(delimiter=delimiter)


def names_of(cells: Sequence[str] | None, file: str) -> list[str]:
    """The columns' names from the cells of the header, None where its quotes do not fit.

    Raises:
        DataError: open quotes, or one name twice.
    """
    if cells is None:
        raise DataError(f"A header's quotes must be closed. {file}, line 1: they are not. Repair the header line.")
    names = [cell if cell.strip("\0 ") else f"column_{place}" for place, cell in enumerate(cells, start=1)]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(
            f"Column names must differ. {file} has more than one column named {listed(twice)}. "
            "Rename them in the header; a file without a header needs one."
        )
    return names


def only_a_header(file: str) -> DataError:
    """The error about a file without rows."""
    return DataError(f"A data file needs rows. {file} has only a header. Add data rows under it.")


def read_clean(data: bytes, names: Sequence[str], dialect: Dialect) -> pl.DataFrame | None:
    """Read a header and rows that any reader would read alike; None where they have to be read with care.

    Args:
        data: header and rows, without the last line end.
        names: the header's names.
        dialect: the file's dialect.
    """
    height = _clean_height(data, dialect) if is_clean(data) else None
    frame = _fast(data, names, dialect) if height else None
    return frame if frame is not None and frame.height == height else None


def _clean_height(data: bytes, dialect: Dialect) -> int | None:
    """Data rows of a file that any reader would read alike; None when it has to be read with care."""
    raw = np.frombuffer(data, dtype=np.uint8)
    newline, carriage, delimiter = raw == 10, raw == 13, raw == ord(dialect.delimiter)
    if dialect.quoting and b'"' in data:
        quote = raw == 34
        inside = (np.cumsum(quote, dtype=np.uint8) & 1).astype(bool)  # the parity survives the overflow
        if not _quotes_fit(quote, inside, newline | carriage | delimiter):
            return None
        newline, carriage, delimiter = newline & ~inside, carriage & ~inside, delimiter & ~inside
    returns = np.flatnonzero(carriage)
    if len(returns) and not newline[np.minimum(returns + 1, len(raw) - 1)].all():
        return None
    ends = np.append(np.flatnonzero(newline), len(raw))
    cells = np.diff(np.searchsorted(np.flatnonzero(delimiter), ends), prepend=0)
    if (cells != cells[0]).any() or np.diff(ends, prepend=0).max() > MAX_FIELD:
        return None
    return len(ends) - 1


def _quotes_fit(quote: np.ndarray, inside: np.ndarray, edge: np.ndarray) -> bool:
    """Every quote opens at a cell's start, closes at its end, or is doubled."""
    if inside[-1]:
        return False
    opens, closes = np.flatnonzero(quote & inside), np.flatnonzero(quote & ~inside)
    around = edge | quote
    before = np.concatenate(([True], around[:-1]))
    after = np.concatenate((around[1:], [True]))
    return bool(before[opens].all() and after[closes].all())


def _fast(data: bytes, names: Sequence[str], dialect: Dialect) -> pl.DataFrame | None:
    try:
        frame = pl.read_csv(
            data,
            separator=dialect.delimiter,
            quote_char='"' if dialect.quoting else None,
            infer_schema=False,
            new_columns=list(names),
        )
    except pl.exceptions.PolarsError:
        return None
    if frame.columns != list(names):
        return None
    return frame.with_columns(pl.when(pl.all() != "").then(pl.all()))
