"""JSON lines in steps: looked through once for what the columns are, then read some lines at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import polars as pl

from tunewright.data import raw
from tunewright.data.faults import Fault, Tally
from tunewright.data.lines import split_lines
from tunewright.data.object_columns import ObjectColumns
from tunewright.data.objects import keepable, objects_of
from tunewright.data.streams import Parts

MOST_ROWS = 4_096  # lines read at a time


def look_through_objects(parts: Parts, *, file: str) -> ObjectColumns:
    """Learn from all lines what the columns are; `rows` of what comes back are counted.

    Args:
        parts: gives the text in steps, as UTF-8.
        file: its name, for messages.

    Raises:
        DataError: as `read_jsonl`, or too many rows that cannot be read; of rows that each bring names of their own as
            soon as there are too many, because their names would fill the memory.
    """
    columns, tally = ObjectColumns(), Tally()
    unread: Fault | None = None
    unkept: Fault | None = None
    for lines, _ in _batches(parts()):
        rows, faults = objects_of(lines, columns.rows)
        kept, more = keepable(rows, columns.rows)
        unread, unkept = unread or next(iter(faults), None), unkept or next(iter(more), None)
        tally.add(faults)
        tally.add(more)
        columns.add(kept, file=file)
    columns.refuse_nameless(unread or unkept, file)
    tally.refuse(rows=columns.rows, file=file)
    return columns


def object_frames(columns: ObjectColumns, parts: Parts) -> Iterator[tuple[pl.DataFrame, int]]:
    """All rows in frames of about a step each, with the bytes of each."""
    for lines, size in _batches(parts()):
        yield columns.frame(keepable(objects_of(lines)[0])[0]), size


def _batches(parts: Iterable[bytes]) -> Iterator[tuple[list[bytes], int]]:
    """Lines that are not blank, some at a time, and how many bytes they have."""
    lines: list[bytes] = []
    size = 0
    for line in split_lines(parts):
        if not line.strip():
            continue
        lines.append(line.rstrip(b"\r\n"))
        size += len(line)
        if len(lines) == MOST_ROWS or size >= raw.STEP:
            yield lines, size
            lines, size = [], 0
    if lines:
        yield lines, size
