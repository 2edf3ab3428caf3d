"""Texts as sets of character shingles, held in two flat arrays."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import polars as pl

Ints = npt.NDArray[np.int64]
ROWS = 1 << 11  # texts per block
LEVEL_BITS = 6  # of a shingle's number: its rarity
CODE_BITS = 63 - LEVEL_BITS - 11  # of a shingle's number: its letters; what is left tells the texts of a block apart
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # 2**64 over the golden ratio


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShingleSets:
    """n sets of shingles; equal numbers are equal shingles, rarer ones mostly have smaller numbers, ascending in a set.

    Args:
        tokens: (total,) the sets, one after another.
        starts: (n + 1,) where each set starts in `tokens`.
        single: numbers below this one stand for shingles that occur once in all sets.
    """

    tokens: Ints
    starts: Ints
    single: int = 0

    @property
    def sizes(self) -> Ints:
        """Shingles per set (n,)."""
        return np.diff(self.starts)

    def reordered(self, order: Ints) -> ShingleSets:
        """The same sets in another order: the i-th is what was `order[i]`."""
        starts = np.concatenate([[0], np.cumsum(self.sizes[order])])
        tokens = np.empty_like(self.tokens)
        for first in range(0, order.size, ROWS):
            some = order[first : first + ROWS]
            place = ranges(self.starts[some], self.sizes[some])
            tokens[starts[first] : starts[first] + place.size] = self.tokens[place]
        return ShingleSets(tokens=tokens, starts=starts, single=self.single)


def normalise(text: str) -> str:
    r"""Fold away what a reader would not call a difference: Unicode form (NFKC), case, runs of white space.

    >>> normalise("  Ｈello\n World ")
    'hello world'
    """
    folded = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(folded.lower().split())


def shingle_sets(texts: Sequence[str], *, shingle: int = 5) -> ShingleSets:
    """Cut each text into its set of character shingles; a text shorter than a shingle is one shingle by itself.

    A shingle's number is its rarity before its letters, so that one sort drops what a text repeats and brings what is
    rare to the front. Time is linear in the characters but for that sort, which is done by blocks; memory is one
    integer per character and what a block needs.

    Args:
        texts: none of them empty.
        shingle: characters per shingle, at least 1.

    >>> sets = shingle_sets(["abcabc", "abcd", "x"], shingle=3)
    >>> sets.sizes.tolist(), np.unique(sets.tokens).size
    ([3, 2, 1], 5)
    """
    coded, bits = _coded(texts, shingle)
    rarity, spread = _rarity([codes for codes, _ in coded])
    tokens, sizes = [], []
    for place, (codes, counts) in enumerate(coded):
        owners = np.repeat(np.arange(counts.size) << bits + LEVEL_BITS, counts)
        keys = distinct(owners | rarity[scattered(codes, spread)].astype(np.int64) << bits | codes)
        sizes.append(np.bincount(keys >> bits + LEVEL_BITS, minlength=counts.size))
        tokens.append(keys & (1 << bits + LEVEL_BITS) - 1)
        coded[place] = (codes[:0], counts)  # the codes of a block are not needed any more
    starts = np.concatenate([[0], np.cumsum(np.concatenate(sizes))]) if sizes else np.zeros(1, dtype=np.int64)
    flat = np.concatenate(tokens) if tokens else np.zeros(0, dtype=np.int64)
    return ShingleSets(tokens=flat, starts=starts, single=1 << bits)


def ranges(starts: Ints, counts: Ints) -> Ints:
    """The numbers start, start + 1, ... of several ranges, one after another.

    >>> ranges(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    shift = starts - (np.cumsum(counts) - counts)
    numbers: Ints = np.arange(int(counts.sum())) + np.repeat(shift, counts)
    return numbers


def distinct(keys: Ints) -> Ints:
    """Sort and drop repeats.

    >>> distinct(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    keys = pl.Series(keys).sort().to_numpy()  # on both cores; numpy's own sort and unique take several times as long
    kept: Ints = keys[np.concatenate([keys[:1] == keys[:1], keys[1:] != keys[:-1]])]
    return kept


def scattered(keys: Ints, bits: int) -> Ints:
    """A bucket below 2**bits for each key; neighbours fall far apart (Fibonacci hashing)."""
    bucket: Ints = (keys.view(np.uint64) * GOLDEN >> np.uint64(64 - bits)).view(np.int64)
    return bucket


def _coded(texts: Sequence[str], shingle: int) -> tuple[list[tuple[Ints, Ints]], int]:
    """Per block of texts one integer per window, equal where the windows are, and windows per text; bits of those."""
    numbers = _alphabet(texts)
    alphabet = int(numbers[-1]) + 1
    blocks = range(0, len(texts), ROWS)
    if alphabet**shingle < 2**63:
        coded = [_windows(texts[start : start + ROWS], shingle, numbers) for start in blocks]
    else:
        codes, counts = _windows(texts, shingle, numbers)
        cuts = [counts[start : start + ROWS] for start in blocks]
        coded = list(zip(np.split(codes, np.cumsum([cut.sum() for cut in cuts])[:-1]), cuts, strict=True))
    bits = (alphabet**shingle - 1).bit_length()
    if bits <= CODE_BITS:
        return coded, bits
    # Too many different letters: number the windows that there are.
    seen = pl.concat([pl.Series(codes).unique() for codes, _ in coded]).unique().sort().to_numpy()
    return [(np.searchsorted(seen, codes), counts) for codes, counts in coded], int(seen.size).bit_length()


def _rarity(blocks: Sequence[Ints]) -> tuple[npt.NDArray[np.uint8], int]:
    """Per bucket of codes how often they occur, in half octaves, 0 for once; and how many bits a bucket has."""
    bits = int(np.clip(sum(codes.size for codes in blocks).bit_length() + 1, 10, 22))
    counts = np.zeros(1 << bits, dtype=np.int64)
    for codes in blocks:
        np.add.at(counts, scattered(codes, bits), 1)
    octaves = np.log2(np.maximum(counts, 1))
    return np.where(counts > 1, 1 + 2 * octaves, 0).astype(np.uint8), bits


def _windows(texts: Sequence[str], shingle: int, numbers: Ints) -> tuple[Ints, Ints]:
    """One integer per window of `shingle` characters, equal exactly where the windows are; windows per text."""
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    padded = np.maximum(lengths, shingle)
    letters, alphabet = _letters(texts, lengths, padded, numbers), int(numbers[-1]) + 1
    spots = max(letters.size - shingle + 1, 0)
    codes = np.zeros(spots, dtype=np.int64)
    span = 1
    for step in range(shingle):
        if span * alphabet >= 2**63:  # too many letters to pack: number what was seen so far instead
            seen, codes = np.unique(codes, return_inverse=True)
            span = seen.size
        codes = codes * alphabet + letters[step : step + spots]
        span *= alphabet
    inside = np.ones(letters.size, dtype=bool)
    ends = np.cumsum(padded)
    for step in range(1, shingle):
        inside[ends - step] = False
    return codes[inside[:spots]], padded - shingle + 1


def _letters(texts: Sequence[str], lengths: Ints, padded: Ints, numbers: Ints) -> Ints:
    """All texts in a row as letter numbers, each padded with 0 to its length in `padded`."""
    points = _points(texts)
    letters = np.zeros(int(padded.sum()), dtype=np.int64)
    shift = np.cumsum(padded - lengths) - (padded - lengths)
    letters[np.arange(points.size) + np.repeat(shift, lengths)] = numbers[points]
    return letters


def _alphabet(texts: Sequence[str]) -> Ints:
    """Per code point its number among those that occur, from 1; the last one is how many there are."""
    seen = np.zeros(0x110000, dtype=bool)
    for start in range(0, len(texts), ROWS):
        seen[_points(texts[start : start + ROWS])] = True
    return np.cumsum(seen)


def _points(texts: Sequence[str]) -> npt.NDArray[Any]:
    return np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4")
