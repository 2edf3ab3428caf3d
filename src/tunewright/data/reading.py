"""Reading a table of examples from whatever a person has, without losing or moving a row."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from tunewright.data.bounds import damaged_parquet, refuse_declared, refuse_texts
from tunewright.data.delimited import read_delimited
from tunewright.data.faults import Fault, report
from tunewright.data.names import listed
from tunewright.data.objects import from_rows, read_jsonl
from tunewright.data.raw import load
from tunewright.data.unkeepable import without_unkeepable
from tunewright.errors import DataError
from tunewright.records import Finding
from tunewright.remote import is_url, shown


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A table as it was read: a frame row per data row, what was wrong with it, its file's name (None: memory)."""

    frame: pl.DataFrame
    findings: tuple[Finding, ...] = ()
    file: str | None = None


def read(source: Any, *, file: str | None = None) -> Reading:
    """Read a table; row count and row order are the file's, always.

    A row that cannot be read (ragged line, broken JSON, NUL byte, lone surrogate, cell over 10 million characters)
    stays in its place with every cell null, and a finding says where. Bytes that are not UTF-8 are read as
    Windows-1252, with a finding. In delimited files every column is text and an empty cell is null.

    Args:
        source: a path or a URL (.csv, .tsv, .txt, .jsonl, .ndjson, .parquet, each also .gz), an object with
            `__arrow_c_stream__` (pandas, polars, pyarrow, Hugging Face datasets), or a list of dicts.
        file: the name to use in findings; a path's own by default.

    Raises:
        DataError: no such file, unknown ending, nothing in it, another format than its ending says, a decompression
            bomb, columns of one name, more than 5 % (and at least 3) of the rows unreadable; a URL that is not
            reachable or not for us.
        MissingExtra: the library for the URL's scheme is not installed.

    >>> read([{"text": "good", "label": 1}, {"text": "bad", "label": 0}]).frame.shape
    (2, 2)
    """
    if isinstance(source, str | os.PathLike):
        where = source if isinstance(source, str) and is_url(source) else Path(source)
        name = file or shown(str(where))
        data, form, packed = load(where)
        frame, faults = _parse(data, form, name, packed=packed)
        return Reading(frame=frame, findings=report(faults, rows=frame.height, file=name), file=name)
    frame, faults = _from_memory(source, file or "The data")
    if frame.width == 0 or frame.height == 0:
        raise DataError(
            f"Data needs columns and rows. Got {frame.height} rows, {frame.width} columns. Pass some examples."
        )
    return Reading(frame=frame, findings=report(faults, rows=frame.height, file=file), file=file)


def _parse(data: bytes, form: str, file: str, *, packed: int) -> tuple[pl.DataFrame, list[Fault]]:
    if form == "jsonl":
        return read_jsonl(data, file=file)
    if form != "parquet":
        return read_delimited(data, tabs=form == "tsv", file=file)
    refuse_declared(io.BytesIO(data), packed, file)
    try:
        frame = pl.read_parquet(io.BytesIO(data))
    except Exception as error:  # the decoder answers damage with several exception types
        raise damaged_parquet(file) from error
    if frame.height == 0 or frame.width == 0:
        raise no_rows(file)
    refuse_texts(frame, packed, file)
    return without_unkeepable(plain(frame))


def no_rows(file: str) -> DataError:
    """The error about a table without rows."""
    return DataError(f"A data file needs rows. {file} has none. Add data rows.")


def _from_memory(source: Any, name: str) -> tuple[pl.DataFrame, list[Fault]]:
    if isinstance(source, pl.DataFrame):
        return without_unkeepable(plain(source))
    if hasattr(source, "__arrow_c_stream__"):
        _distinct_names(source, name)
        try:
            frame = plain(pl.DataFrame(source))
        except Exception as error:  # a column of mixed Python objects, or text that is not Unicode
            if not hasattr(source, "to_dict"):
                raise DataError(
                    f"Columns must be readable through Arrow. {name} is not. Give each column one type."
                ) from error
            return from_rows(source.astype(object).where(source.notna(), None).to_dict("records"), [], file=name)
        return without_unkeepable(frame)
    if isinstance(source, Sequence) and source and all(isinstance(row, Mapping) for row in source):
        return from_rows(source, [], file=name)
    raise DataError(
        "Data must be a path, a table that speaks Arrow (pandas, polars, pyarrow, datasets) or a list of dicts, and "
        f"not empty. Got {type(source).__name__}. Pass one of those."
    )


def _distinct_names(source: Any, name: str) -> None:
    names = [str(column) for column in getattr(source, "columns", ()) if isinstance(column, str)]
    twice = sorted({column for column in names if names.count(column) > 1})
    if twice:
        raise DataError(
            f"Column names must differ. {name} has more than one column named {listed(twice)}. Rename them."
        )


def plain(frame: pl.DataFrame) -> pl.DataFrame:
    """Arrow types that mean the same for us become one: text, number, boolean, date-time, list."""
    kept = frame.select(name for name in frame.columns if not name.startswith("__index_level_"))
    return kept.with_columns(_simple(pl.col(name), dtype) for name, dtype in kept.schema.items())


def _simple(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Categorical | pl.Enum | pl.Time | pl.Null):
        return column.cast(pl.String)
    if isinstance(dtype, pl.Decimal):
        return column.cast(pl.Float64)
    if isinstance(dtype, pl.Array):
        return column.cast(pl.List(dtype.inner))
    if isinstance(dtype, pl.Datetime) and dtype.time_zone is not None:
        return column.dt.convert_time_zone("UTC").dt.replace_time_zone(None).cast(pl.Datetime("us"))
    return column
