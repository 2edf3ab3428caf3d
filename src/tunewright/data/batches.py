"""Tables that come one after another: whatever yields them, seen as one iterator that holds one at a time."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import polars as pl

from tunewright.data.blocks import USUAL, BlockSize, open_blocks
from tunewright.errors import DataError


def tables(source: Any, *, rows: int = USUAL.rows) -> Iterator[Any]:
    """The tables of a source in their order, each as `read` takes it.

    Args:
        source: a path or a URL; a polars LazyFrame; what has `iter(batch_size=…)`, as Hugging Face datasets do; a table
            that speaks Arrow (polars, pandas, pyarrow, a RecordBatchReader); or an iterable of such tables, of lists of
            dicts, or of dicts of columns.
        rows: of a table, at most, where the source leaves that to us; the tables of an iterable stay as they are.

    Raises:
        DataError: it is none of these; or a file that cannot be read.

    >>> [table.height for table in tables(pl.DataFrame({"n": [1, 2, 3]}), rows=2)]
    [2, 1]
    >>> list(tables([{"n": [1, 2]}]))
    [[{'n': 1}, {'n': 2}]]
    """
    if isinstance(source, str | os.PathLike):
        with open_blocks(os.fspath(source), size=BlockSize(rows=rows)) as blocks:
            yield from blocks.frames(0)
        return
    for number, table in enumerate(_parts(source, rows)):
        yield _rows_of(table, number) if isinstance(table, Mapping) else table


def _parts(source: Any, rows: int) -> Iterator[Any]:
    if isinstance(source, pl.DataFrame):
        return source.iter_slices(rows)
    if hasattr(source, "collect_batches"):  # a LazyFrame, whose batches may be larger than asked for
        return (part for batch in source.collect_batches(chunk_size=rows) for part in batch.iter_slices(rows))
    if callable(getattr(source, "iter", None)):
        return iter(source.iter(batch_size=rows))
    if hasattr(source, "iloc"):
        return (source.iloc[at : at + rows] for at in range(0, len(source), rows))
    if hasattr(source, "__arrow_c_stream__"):
        return _arrow(source, rows)
    if isinstance(source, Iterable) and not isinstance(source, Mapping):
        return iter(source)
    raise DataError(
        "Batches must be tables that come one after another: a path, a table that speaks Arrow, a dataset with "
        f"iter(batch_size=…), or an iterable of tables. Got {type(source).__name__}. Put a single table into a list."
    )


def _arrow(source: Any, rows: int) -> Iterator[Any]:
    from pyarrow import RecordBatchReader

    for batch in RecordBatchReader.from_stream(source):
        for at in range(0, batch.num_rows, rows):
            yield batch.slice(at, rows)


def _rows_of(columns: Mapping[Any, Any], number: int) -> list[dict[str, Any]]:
    """A dict of columns as rows."""
    odd = [name for name, cells in columns.items() if isinstance(cells, str | bytes) or not hasattr(cells, "__len__")]
    lengths = {len(cells) for name, cells in columns.items() if name not in odd}
    if odd or len(lengths) != 1:
        got = f"{str(odd[0])!r} is {type(columns[odd[0]]).__name__}" if odd else f"lengths {sorted(lengths)}"
        raise DataError(
            "A batch that is a dict must have lists of one length, a column each. "
            f"Batch {number} (counted from 0): {got}. Put single rows into lists of dicts."
        )
    names = [str(name) for name in columns]
    return [dict(zip(names, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]
