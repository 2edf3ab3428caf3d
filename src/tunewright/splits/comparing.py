"""Compare candidate pairs of shingle sets: a bitmap bound first, then the exact intersection."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from tunewright.splits.postings import required_overlap
from tunewright.splits.shingles import ROWS, Ints, ShingleSets, distinct, scattered

WORK = 1 << 23  # shingles looked at in one step; bounds the memory


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Links:
    """Pairs (m, 2), smaller number first, and the Jaccard similarity of each (m,)."""

    pairs: Ints
    similarity: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Comparer:
    """Tells which pairs of sets reach a Jaccard threshold; make one with `comparer`."""

    sizes: Ints
    threshold: float
    matrix: Any  # scipy.sparse.csr_array (sets, vocabulary)
    bitmap: npt.NDArray[np.uint64]  # (words, sets): parity of the shingles that fall on each bit

    def links(self, a: Ints, b: Ints) -> Links:
        """The pairs (a[i], b[i]) that reach the threshold, each once, with their similarity."""
        likely = self._likely(a, b)
        n = self.sizes.size
        keys = distinct(np.minimum(a, b)[likely] * n + np.maximum(a, b)[likely])
        a, b = np.divmod(keys, n)
        shared = np.concatenate([self._overlap(a[i:j], b[i:j]) for i, j in self._steps(a, b)])
        similarity = shared / (self.sizes[a] + self.sizes[b] - shared)
        near = similarity >= self.threshold
        return Links(pairs=np.stack([a[near], b[near]], axis=1), similarity=similarity[near])

    def _likely(self, a: Ints, b: Ints) -> npt.NDArray[np.bool_]:
        """Drop pairs whose bitmaps differ in too many bits: each costs at least one shingle that is not shared.

        The bitwise filter of Sandes, Teodoro & Melo (2020), "Bitmap filter: speeding up exact set similarity joins".
        """
        total = self.sizes[a] + self.sizes[b]
        spare = total - 2 * required_overlap(total, self.threshold)
        differing = np.zeros(a.size, dtype=np.int64)
        for word in self.bitmap:
            differing += np.bitwise_count(word[a] ^ word[b])
        return differing <= spare

    def _overlap(self, a: Ints, b: Ints) -> Ints:
        both = self.matrix[a].multiply(self.matrix[b]).tocsr()
        shared: Ints = np.diff(both.indptr).astype(np.int64)
        return shared

    def _steps(self, a: Ints, b: Ints) -> Iterator[tuple[int, int]]:
        """Cut the pairs into runs of about `WORK` shingles (at least one run, at least one pair a run)."""
        work = np.cumsum(self.sizes[a] + self.sizes[b])
        start = 0
        while start < a.size or start == 0:
            done = int(work[start - 1]) if start else 0
            stop = max(int(np.searchsorted(work, done + WORK, side="right")), start + 1)
            yield start, stop
            start = stop


def comparer(sets: ShingleSets, threshold: float) -> Comparer:
    """Prepare the comparison of any two of the sets.

    >>> from tunewright.splits.shingles import shingle_sets
    >>> compare = comparer(shingle_sets(["abcdefgh", "abcdefghi", "other"], shingle=3), 0.8)
    >>> links = compare.links(np.array([0, 0]), np.array([1, 2]))
    >>> links.pairs.tolist(), links.similarity.round(3).tolist()
    ([[0, 1]], [0.857])
    """
    from scipy.sparse import csr_array

    shape = (sets.sizes.size, int(sets.tokens.max(initial=0)) + 1)
    ones = np.ones(sets.tokens.size, dtype=np.int8)
    matrix = csr_array((ones, sets.tokens, sets.starts), shape=shape)
    return Comparer(sizes=sets.sizes, threshold=threshold, matrix=matrix, bitmap=_bitmap(sets))


def _bitmap(sets: ShingleSets) -> npt.NDArray[np.uint64]:
    """As many bits per set as an average set has shingles, at least 256, at most 4,096."""
    mean = sets.tokens.size / max(sets.sizes.size, 1)
    size = int(np.clip(np.ceil(np.log2(max(mean, 1))), 8, 12))
    words, count = 1 << size - 6, sets.sizes.size
    bitmap = np.zeros(words * count, dtype=np.uint64)
    for first in range(0, count, ROWS):
        inside = slice(int(sets.starts[first]), int(sets.starts[min(first + ROWS, count)]))
        owner = first + np.repeat(np.arange(min(ROWS, count - first)), sets.sizes[first : first + ROWS])
        bit = scattered(sets.tokens[inside], size)
        np.bitwise_xor.at(bitmap, (bit >> 6) * count + owner, np.uint64(1) << (bit & 63).astype(np.uint64))
    return bitmap.reshape(words, count)
