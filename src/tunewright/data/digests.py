"""Digests of what a table holds: one for the whole of it, one per row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence

import numpy as np
import polars as pl

STEP = 65_536  # rows hashed at a time; part of the fingerprint's definition


def fingerprint(frame: pl.DataFrame) -> str:
    """SHA-256 over column names, types and values; the chunking in memory does not matter, the order of rows does.

    >>> a = pl.DataFrame({"x": ["p", "q"]})
    >>> fingerprint(a) == fingerprint(pl.concat([a[:1], a[1:]], rechunk=False)), fingerprint(a) == fingerprint(a[::-1])
    (True, False)
    """
    digest = hashlib.sha256(f"{frame.height}x{frame.width}".encode())
    for column in frame.get_columns():
        _feed(digest, column.name.encode())
        _feed(digest, str(column.dtype).encode())
        for start in range(0, frame.height, STEP):
            for part in _parts(column.slice(start, STEP)):
                _feed(digest, part)
    return digest.hexdigest()


def row_digests(frame: pl.DataFrame, columns: Sequence[str]) -> np.ndarray:
    """64-bit digests of the rows over some columns, in row order: equal rows have equal digests.

    Two different rows among a million share one with a probability of 3e-8. For comparing rows within one process;
    not for storage.

    >>> digests = row_digests(pl.DataFrame({"x": ["p", "q", "p"]}), ["x"])
    >>> bool(digests[0] == digests[2]), bool(digests[0] == digests[1])
    (True, False)
    """
    plain = frame.select(
        pl.col(name).list.join("\x1f").alias(name) if frame.schema[name] == pl.List(pl.String) else pl.col(name)
        for name in columns
    )
    return plain.hash_rows(seed=7).to_numpy().astype(np.uint64, copy=False)


def row_keys(frame: pl.DataFrame, columns: Sequence[str], *, size: int = 16) -> np.ndarray:
    """(n, size) uint8 digests of the rows over some columns, for storage: the same in every process and release.

    Equal rows have equal digests, whatever the order of rows and columns. Cost: linear in rows, one at a time.

    Args:
        frame: the rows.
        columns: to look at.
        size: bytes of a digest; with 8, two different rows among a million share one with a probability of 3e-8.

    >>> a = pl.DataFrame({"x": ["p", "q"], "y": [1, 2]})
    >>> bool((row_keys(a, ["x", "y"])[::-1] == row_keys(a.reverse(), ["y", "x"])).all())
    True
    """
    names = sorted(columns)
    head = json.dumps(names).encode()
    rows = (json.dumps(row, default=str, ensure_ascii=False) for row in frame.select(names).iter_rows())
    digests = b"".join(
        hashlib.blake2b(head + row.encode("utf-8", "replace"), digest_size=size).digest() for row in rows
    )
    return np.frombuffer(digests, np.uint8).reshape(-1, size)


def _feed(digest: hashlib._Hash, part: bytes) -> None:
    digest.update(len(part).to_bytes(8, "little"))  # without lengths ("ab", "c") and ("a", "bc") would be one
    digest.update(part)


def _parts(values: pl.Series) -> list[bytes]:
    """A column's values as bytes: where it is null, and what is in it."""
    nulls = values.is_null().to_numpy().tobytes()
    dtype = values.dtype
    if isinstance(dtype, pl.List):
        flat = values.drop_nulls().explode(empty_as_null=False) if values.len() else values
        return [nulls, values.list.len().fill_null(0).to_numpy().astype("<u4").tobytes(), *_parts(flat)]
    if dtype.is_float():
        numbers = values.cast(pl.Float64).fill_null(0.0).to_numpy()
        return [nulls, np.where(np.isnan(numbers), np.nan, numbers).astype("<f8").tobytes()]
    if dtype.is_numeric() or dtype.is_temporal() or dtype == pl.Boolean:
        return [nulls, values.to_physical().cast(pl.Int64).fill_null(0).to_numpy().astype("<i8").tobytes()]
    texts = values if dtype == pl.String else values.cast(pl.String)
    lengths = texts.str.len_bytes().fill_null(0).to_numpy().astype("<u4").tobytes()
    return [nulls, lengths, "".join(texts.drop_nulls().to_list()).encode()]
