"""Frames of any height made into blocks of at most one size, with no more in memory than a block and a frame."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from math import ceil

import polars as pl


@dataclass(frozen=True, slots=True, kw_only=True)
class BlockSize:
    """How large a block of rows may be: in rows, and about how many bytes, for rows that hold long texts."""

    rows: int = 8_192
    bytes: int = 32 << 20


def regrouped(frames: Iterable[tuple[pl.DataFrame, int]], size: BlockSize) -> Iterator[pl.DataFrame]:
    """The same rows in the same order, in blocks; where they end depends on the frames alone.

    A block is several frames, or an even part of one. What is left of a frame is not carried into the next block, so
    that nothing of a frame outlives it.

    Args:
        frames: with the bytes of each.
        size: of a block; a single frame may have more bytes.

    >>> numbers = ([1, 2], [3], [4, 5, 6, 7, 8])
    >>> frames = [(pl.DataFrame({"n": some}), len(some)) for some in numbers]
    >>> [block["n"].to_list() for block in regrouped(frames, BlockSize(rows=4))]
    [[1, 2, 3], [4, 5, 6], [7, 8]]
    >>> [block.height for block in regrouped(frames, BlockSize(rows=8, bytes=2))]
    [2, 1, 5]
    """
    held: list[pl.DataFrame] = []
    rows = weight = 0
    for frame, taken in frames:
        if held and (rows + frame.height > size.rows or weight + taken > size.bytes):
            yield pl.concat(held)
            held.clear()
            rows = weight = 0
        if frame.height > size.rows:
            height = ceil(frame.height / ceil(frame.height / size.rows))
            yield from (frame[at : at + height] for at in range(0, frame.height, height))
            continue
        held.append(frame)
        rows, weight = rows + frame.height, weight + taken
    if held:
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
