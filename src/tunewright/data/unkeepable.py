"""Rows of a typed table (Parquet, Arrow) that cannot be kept, found column by column and not cell by cell."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import polars as pl

from tunewright.data.encoding import MAX_FIELD
from tunewright.data.faults import Fault


def without_unkeepable(frame: pl.DataFrame) -> tuple[pl.DataFrame, list[Fault]]:
    r"""Rows with a NUL byte or a cell beyond the limit become rows of nulls, as they do in text files.

    Cost: one pass over the bytes of all texts.

    >>> frame, faults = without_unkeepable(pl.DataFrame({"t": ["a\0b", "c"], "n": [1, 2]}))
    >>> frame.rows(), faults[0].columns
    ([(None, None), ('c', 2)], ('t',))
    """
    lost: dict[int, Fault] = {}
    for name, dtype in frame.schema.items():
        if dtype == pl.String or dtype == pl.List(pl.String):
            for fault in _faults(frame.get_column(name)):
                lost.setdefault(fault.row, fault)
    if not lost:
        return frame, []
    good = np.ones(frame.height, bool)
    good[list(lost)] = False
    return frame.with_columns(pl.when(pl.Series(good)).then(pl.all())), list(lost.values())


def _faults(values: pl.Series) -> Iterator[Fault]:
    cells = pl.DataFrame({"row": np.arange(len(values)), "text": values})
    if isinstance(values.dtype, pl.List):
        cells = cells.explode("text")
    text = pl.col("text")
    for (row,) in cells.filter(text.str.contains("\0", literal=True)).select("row").iter_rows():
        yield Fault(row=row, kind="encoding", what="hold a NUL byte", columns=(values.name,))
    # A character takes at least a byte, and counting bytes costs nothing.
    long = cells.filter(text.str.len_bytes() > MAX_FIELD).filter(text.str.len_chars() > MAX_FIELD)
    for (row,) in long.select("row").iter_rows():
        what = f"have a cell of more than {MAX_FIELD:,} characters"
        yield Fault(row=row, kind="mixed_format", what=what, columns=(values.name,))
