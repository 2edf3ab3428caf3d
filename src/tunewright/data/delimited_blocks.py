"""Delimited files in steps: looked through once, then read piece by piece to the cells that the whole file gives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import polars as pl

from tunewright.data import raw
from tunewright.data.careful import Dialect, careful_rows, frame_of, record
from tunewright.data.delimited import HEAD, dialect_of, head_lines, names_of, only_a_header, read_clean
from tunewright.data.encoding import MAX_FIELD
from tunewright.data.faults import Tally
from tunewright.data.streams import Parts

MOST_ROWS = 4_096  # read with care at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class DelimitedFile:
    """How a delimited file is read.

    Args:
        names: of its columns.
        dialect: how its cells are parted.
        header: the bytes of the header, with its line end.
        rows: data rows.
        clean: whether any reader would read it alike; otherwise all of it is read with care, as `read_delimited` does.
    """

    names: tuple[str, ...]
    dialect: Dialect
    header: bytes
    rows: int = 0
    clean: bool = True


def look_through(parts: Parts, *, tabs: bool, file: str) -> DelimitedFile:
    """Find out how a delimited file is to be read, and count its rows.

    Args:
        parts: gives its text in steps, as UTF-8, without line ends before the header and behind the last row.
        tabs: the delimiter is a tab and quotes may be plain text; otherwise it is sniffed from the header line.
        file: its name, for messages.

    Raises:
        DataError: as `read_delimited`; or too many rows that cannot be read.
    """
    start = _start(parts())
    head = head_lines(start, file)
    dialect = dialect_of(head, tabs=tabs, parts=parts)
    cells, after = record(head, 0, dialect)
    names = tuple(names_of(cells, file))
    header = b"".join(start.splitlines(keepends=True)[:after])
    found = DelimitedFile(names=names, dialect=dialect, header=header)
    rows = 0
    for frame, _ in _clean_frames(found, parts):
        if frame is None:
            return _look_with_care(found, parts, file=file)
        rows += frame.height
    if not rows:
        raise only_a_header(file)
    return replace(found, rows=rows)


def delimited_frames(found: DelimitedFile, parts: Parts) -> Iterator[tuple[pl.DataFrame | None, int]]:
    """All rows in frames of about a step each, with the bytes of each; None in place of what is no longer as it was."""
    if found.clean:
        yield from _clean_frames(found, parts)
        return
    rows: list[list[str] | None] = []
    size = 0
    for cells, _ in careful_rows(parts(), found.names, found.dialect):
        rows.append(cells)
        size += sum(map(len, cells or ()))
        if len(rows) == MOST_ROWS or size >= raw.STEP:
            yield frame_of(rows, found.names), size
            rows, size = [], 0
    if rows:
        yield frame_of(rows, found.names), size


def _look_with_care(found: DelimitedFile, parts: Parts, *, file: str) -> DelimitedFile:
    rows, tally = 0, Tally()
    for _, fault in careful_rows(parts(), found.names, found.dialect):
        rows += 1
        tally.add([fault] if fault is not None else [])
    if not rows:
        raise only_a_header(file)
    tally.refuse(rows=rows, file=file)
    return replace(found, rows=rows, clean=False)


def _clean_frames(found: DelimitedFile, parts: Parts) -> Iterator[tuple[pl.DataFrame | None, int]]:
    """Frames of whole records; None for a piece that is not clean, as then the file is not."""
    for piece in whole_records(_behind(parts(), len(found.header)), quoting=found.dialect.quoting):
        body = piece.removesuffix(b"\n").removesuffix(b"\r")
        yield read_clean(found.header + body, found.names, found.dialect), len(piece)


def whole_records(parts: Iterable[bytes], *, quoting: bool) -> Iterator[bytes]:
    r"""Text in pieces that end where records end: at line ends outside of quotes.

    A record that is longer than any of a clean file is cut anywhere, and what comes of it is not clean either.

    >>> list(whole_records([b'a,"x\n', b'y"\nb', b",z\nc"], quoting=True))
    [b'a,"x\ny"\n', b'b,z\n', b'c']
    """
    held: list[bytes] = []
    size, inside = 0, False
    for part in parts:
        end = _last_end(part, inside) if quoting else part.rfind(b"\n") + 1
        if end:
            yield b"".join([*held, part[:end]])
            held, size, inside = [], 0, False
        held.append(part[end:])
        size += len(part) - end
        inside ^= part.count(b'"', end) % 2 == 1
        if size > MAX_FIELD:
            yield b"".join(held)
            held, size, inside = [], 0, False
    if size:
        yield b"".join(held)


def _last_end(part: bytes, inside: bool) -> int:
    """Behind the last line end outside of quotes, or 0; `inside` says whether the step begins within quotes."""
    stop = len(part)
    odd = inside ^ (part.count(b'"') % 2 == 1)
    while (cut := part.rfind(b"\n", 0, stop)) >= 0:
        odd ^= part.count(b'"', cut, stop) % 2 == 1
        if not odd:
            return cut + 1
        # This one is within quotes: go back to where they open.
        stop, odd = part.rfind(b'"', 0, cut), False
        if stop < 0:
            return 0
    return 0


def _start(parts: Iterable[bytes]) -> bytes:
    held = b""
    for part in parts:
        held += part
        if len(held) >= HEAD:
            break
    return held[:HEAD]


def _behind(parts: Iterable[bytes], count: int) -> Iterator[bytes]:
    for part in parts:
        if count >= len(part):
            count -= len(part)
        else:
            yield part[count:]
            count = 0
