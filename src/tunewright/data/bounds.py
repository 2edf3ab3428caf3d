"""How far a compressed file may expand: beyond a size and a ratio it is taken for a bomb."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

import polars as pl

from tunewright.errors import DataError

MAX_RATIO = 200  # tables seldom shrink to less than a twentieth
MAX_BYTES = 1 << 28  # up to this size any ratio will do


def refuse_expansion(size: int, packed: int, file: str | os.PathLike[str]) -> None:
    """Hold the size of what is unpacked against the size of what was given.

    Args:
        size: bytes so far, or as declared.
        packed: bytes of the file.
        file: its name, for the message.

    Raises:
        DataError: both bounds are passed.

    >>> refuse_expansion(10**8, 10, "small.csv.gz")
    """
    if size > MAX_BYTES and size > MAX_RATIO * packed:
        raise DataError(
            f"A compressed file may unpack to {MAX_BYTES >> 20} MiB, or to {MAX_RATIO} times its size. "
            f"{os.fspath(file)} goes beyond both. If you trust it, give it uncompressed, as csv."
        )


def refuse_declared(source: BinaryIO | Path, packed: int, file: str) -> tuple[int, int]:
    """Hold what a Parquet file declares (bytes of its pages, cells of its table) against a size, before it is read.

    Args:
        source: the Parquet file.
        packed: bytes of the file on disk, which may be smaller: a Parquet file may itself be packed.
        file: its name.

    Returns:
        Its rows, and the bytes of their pages unpacked.

    Raises:
        DataError: it declares too much; or its footer cannot be read.
    """
    from pyarrow import ArrowException
    from pyarrow.parquet import read_metadata

    try:
        about = read_metadata(source)
        pages = sum(abs(about.row_group(group).total_byte_size) for group in range(about.num_row_groups))
    except (ArrowException, OSError, ValueError) as error:
        raise damaged_parquet(file) from error
    refuse_expansion(max(pages, about.num_rows * about.num_columns), packed, file)
    return about.num_rows, pages


def damaged_parquet(file: str) -> DataError:
    """The error about a Parquet file that cannot be read."""
    return DataError(f"A .parquet file must be a whole Parquet file. {file} is damaged. Write it again.")


def refuse_texts(frame: pl.DataFrame, packed: int, file: str, *, before: int = 0) -> int:
    """Hold the texts of a frame, which may share one long cell, against the size of the file they came from.

    Args:
        frame: the file's rows, or some of them.
        packed: bytes of the file.
        file: its name.
        before: bytes of the texts of the rows before these.

    Returns:
        Bytes of the texts so far.

    Raises:
        DataError: written out they would take too much.
    """
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    if texts:
        sizes = frame.select(pl.col(texts).str.len_bytes().sum().cast(pl.UInt64))
        before += int(sum(sizes.row(0)))
        refuse_expansion(before, packed, file)
    return before
