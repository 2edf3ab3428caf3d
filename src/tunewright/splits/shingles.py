"""Texts as sets of character shingles, held in two flat arrays."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ShingleSets:
    """n sets of shingles; a shingle is its rank by rarity (0: in the fewest sets), ascending inside each set.

    Args:
        tokens: (total,) the sets, one after another.
        starts: (n + 1,) where each set starts in `tokens`.
        vocabulary: how many different shingles there are.
    """

    tokens: Ints
    starts: Ints
    vocabulary: int

    @property
    def sizes(self) -> Ints:
        """Shingles per set (n,)."""
        return np.diff(self.starts)

    @property
    def owners(self) -> Ints:
        """The set each token belongs to (total,)."""
        return np.repeat(np.arange(self.sizes.size), self.sizes)

    def reordered(self, order: Ints) -> ShingleSets:
        """The same sets in another order: the i-th is what was `order[i]`."""
        place = np.empty_like(order)
        place[order] = np.arange(order.size)
        keys = np.sort(place[self.owners] * self.vocabulary + self.tokens)
        starts = np.concatenate([[0], np.cumsum(self.sizes[order])])
        return ShingleSets(tokens=keys % self.vocabulary, starts=starts, vocabulary=self.vocabulary)


def normalise(text: str) -> str:
    r"""Fold away what a reader would not call a difference: Unicode form (NFKC), case, runs of white space.

    >>> normalise("  Ｈello\n World ")
    'hello world'
    """
    folded = text if text.isascii() else unicodedata.normalize("NFKC", text)
    return " ".join(folded.lower().split())


def shingle_sets(texts: Sequence[str], *, shingle: int = 5) -> ShingleSets:
    """Cut each text into its set of character shingles; a text shorter than a shingle is one shingle by itself.

    Args:
        texts: none of them empty.
        shingle: characters per shingle, at least 1.

    >>> sets = shingle_sets(["abcabc", "abcd", "x"], shingle=3)
    >>> sets.sizes.tolist(), sets.vocabulary
    ([3, 2, 1], 5)
    """
    codes, counts = _windows(texts, shingle)
    seen, ids = np.unique(codes, return_inverse=True)
    vocabulary = max(seen.size, 1)
    owners = np.repeat(np.arange(len(texts)), counts)
    keys = distinct(owners * vocabulary + ids)
    owners, ids = np.divmod(keys, vocabulary)
    frequency = np.bincount(ids, minlength=vocabulary)
    rank = np.empty(vocabulary, dtype=np.int64)
    rank[np.argsort(frequency, kind="stable")] = np.arange(vocabulary)
    keys = np.sort(owners * vocabulary + rank[ids])
    starts = np.zeros(len(texts) + 1, dtype=np.int64)
    np.cumsum(np.bincount(owners, minlength=len(texts)), out=starts[1:])
    return ShingleSets(tokens=keys % vocabulary, starts=starts, vocabulary=vocabulary)


def distinct(keys: Ints) -> Ints:
    """Sort and drop repeats; by sorting, where numpy's own hashing is several times slower on mostly distinct keys.

    >>> distinct(np.array([3, 1, 3])).tolist()
    [1, 3]
    """
    keys = np.sort(keys)
    kept: Ints = keys[np.concatenate([keys[:1] == keys[:1], keys[1:] != keys[:-1]])]
    return kept


def _windows(texts: Sequence[str], shingle: int) -> tuple[Ints, Ints]:
    """One integer per window of `shingle` characters, equal exactly where the windows are; windows per text."""
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    padded = np.maximum(lengths, shingle)
    letters, alphabet = _letters(texts, lengths, padded)
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


def _letters(texts: Sequence[str], lengths: Ints, padded: Ints) -> tuple[Ints, int]:
    """All texts in a row as dense letter numbers from 1, each padded with 0 to its length in `padded`."""
    points: npt.NDArray[Any] = np.frombuffer("".join(texts).encode("utf-32-le", "surrogatepass"), dtype="<u4")
    seen = np.zeros(0x110000, dtype=bool)
    seen[points] = True
    number = np.cumsum(seen)
    letters = np.zeros(int(padded.sum()), dtype=np.int64)
    shift = np.cumsum(padded - lengths) - (padded - lengths)
    letters[np.arange(points.size) + np.repeat(shift, lengths)] = number[points]
    return letters, int(number[-1]) + 1
