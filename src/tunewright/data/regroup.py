"""Frames of any height made into blocks of one size, with no more in memory than a block and what is left over."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSize:
    """How large a block of rows may be: in rows, and about how many bytes, for rows that hold long texts."""

    rows: int = 8_192
    bytes: int = 32 << 20


def regrouped(frames: Iterable[tuple[pl.DataFrame, int]], size: BlockSize) -> Iterator[pl.DataFrame]:
    """The same rows in the same order, in blocks; where they end depends on the frames alone.

    Args:
        frames: with the bytes of each.
        size: of a block. One that is full by its bytes may have a frame more.

    >>> frames = [(pl.DataFrame({"n": [1, 2]}), 2), (pl.DataFrame({"n": [3, 4, 5]}), 3)]
    >>> [block["n"].to_list() for block in regrouped(frames, BlockSize(rows=4))]
    [[1, 2, 3, 4], [5]]
    >>> [block.height for block in regrouped(frames, BlockSize(rows=4, bytes=1))]
    [2, 3]
    """
    held: list[pl.DataFrame] = []
    rows = weight = 0
    for frame, taken in frames:
        held.append(frame)
        rows, weight = rows + frame.height, weight + taken
        if rows < size.rows and weight < size.bytes:
            continue
        whole = pl.concat(held)
        held.clear()
        stop = rows if rows < size.rows else rows - rows % size.rows
        for at in range(0, stop, size.rows):
            yield whole[at : min(at + size.rows, stop)]
        held.append(whole[stop:])
        rows, weight = rows - stop, weight * (rows - stop) // max(rows, 1)
    if rows:
        yield pl.concat(held)


def from_row(blocks: Iterable[pl.DataFrame], start: int) -> Iterator[pl.DataFrame]:
    """What follows the first `start` rows.

    >>> [block["n"].to_list() for block in from_row([pl.DataFrame({"n": [1, 2]}), pl.DataFrame({"n": [3]})], 1)]
    [[2], [3]]
    """
    for block in blocks:
        if start < block.height:
            yield block[start:] if start else block
        start = max(start - block.height, 0)
