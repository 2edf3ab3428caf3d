"""Parquet files in slices of rows, by the decoder that reads them whole, so that every type comes out the same."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import polars as pl

from tunewright.data.bounds import damaged_parquet, refuse_declared, refuse_texts
from tunewright.data.faults import Tally
from tunewright.data.reading import no_rows, plain
from tunewright.data.regroup import BlockSize
from tunewright.data.unkeepable import without_unkeepable


@dataclass(frozen=True, slots=True, kw_only=True)
class ParquetFile:
    """How a Parquet file is read.

    Args:
        path: the file, unpacked.
        name: what messages call it.
        size: bytes of the file as it was given.
        rows: its rows.
        step: rows of a slice.
    """

    path: Path
    name: str
    size: int
    rows: int
    step: int


def look_through_parquet(
    path: Path, *, name: str, size: int, block: BlockSize, heard: Callable[[int, int], None]
) -> ParquetFile:
    """Count a Parquet file's rows, and hold it to what is asked of one that is read whole.

    Args:
        path: the file, unpacked.
        name: what messages call it.
        size: bytes of the file as it was given.
        block: how large a slice may be; how many bytes its rows have is guessed from the mean of all.
        heard: is told after each slice how many rows of how many have been looked at.

    Raises:
        DataError: it is damaged, empty, expands beyond all bounds, or has too many rows that cannot be kept.
    """
    rows, pages = refuse_declared(path, size, name)
    if not rows:
        raise no_rows(name)
    step = min(block.rows, max(block.bytes * rows // max(pages, 1), 1))
    found = ParquetFile(path=path, name=name, size=size, rows=rows, step=step)
    tally, texts = Tally(), 0
    for start in range(0, rows, step):
        frame = _slice(found, start)
        if frame.width == 0:
            raise no_rows(name)
        texts = refuse_texts(frame, size, name, before=texts)
        faults = without_unkeepable(plain(frame))[1]
        tally.add(replace(fault, row=start + fault.row) for fault in faults)
        heard(min(start + step, rows), rows)
    tally.refuse(rows=rows, file=name)
    return found


def parquet_frames(found: ParquetFile, start: int = 0) -> Iterator[pl.DataFrame]:
    """The rows from one on, a slice at a time."""
    for at in range(start, found.rows, found.step):
        yield without_unkeepable(plain(_slice(found, at)))[0]


def _slice(found: ParquetFile, start: int) -> pl.DataFrame:
    try:
        whole = pl.scan_parquet(found.path.absolute(), glob=False, hive_partitioning=False)
        return whole.slice(start, found.step).collect()
    except Exception as error:  # the decoder answers damage with several exception types
        raise damaged_parquet(found.name) from error
