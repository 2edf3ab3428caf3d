"""Which rows nearly repeat a given row: by their texts, or for tables by all their cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tunewright.splits.shingles import normalise, ranges, shingle_sets

Array = np.ndarray[Any, np.dtype[Any]]
THRESHOLD = 0.8  # Jaccard similarity of character shingles, as where rows are split


class Alike(Protocol):
    """Tells repeats among n rows."""

    def near(self, row: int) -> Array:
        """(n,) booleans: the rows that nearly repeat a row, itself included."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class SameTexts:
    """Rows whose texts share four fifths of their character shingles; of m texts that are not empty.

    Asking costs the number of texts, and how often the shingles of the one occur in all.

    Args:
        place: (n,) which text a row has; −1 for an empty one, which repeats nothing.
        tokens: shingles of all texts, numbered from 0, one text after another.
        starts: (m + 1,) where each text starts in `tokens`.
        holders: the texts that hold each shingle, one shingle after another.
        held: where each shingle starts in `holders`, and where the last one ends.
    """

    place: Array
    tokens: Array
    starts: Array
    holders: Array
    held: Array

    @classmethod
    def of(cls, texts: Sequence[str]) -> SameTexts:
        """Compare texts after folding case, white space and Unicode forms.

        >>> SameTexts.of(["Call me now, please", "", "call me  now, please!", "Else"]).near(0).tolist()
        [True, False, True, False]
        """
        folded = [normalise(text) for text in texts]
        there = np.array([row for row, text in enumerate(folded) if text], np.int64)
        place = np.full(len(folded), -1, np.int64)
        place[there] = np.arange(len(there))
        sets = shingle_sets([folded[row] for row in there])
        tokens = np.unique(sets.tokens, return_inverse=True)[1].reshape(-1)
        owners = np.repeat(np.arange(len(there)), sets.sizes)
        return cls(
            place=place,
            tokens=tokens,
            starts=sets.starts,
            holders=owners[np.argsort(tokens, kind="stable")],
            held=np.concatenate([[0], np.cumsum(np.bincount(tokens))]).astype(np.int64),
        )

    def near(self, row: int) -> Array:
        """(n,) booleans: the rows that nearly repeat a row, itself included."""
        found = np.zeros(len(self.place), bool)
        found[row] = True
        at = int(self.place[row])
        if at < 0:
            return found
        sizes = np.diff(self.starts)
        own = self.tokens[self.starts[at] : self.starts[at + 1]]
        places = ranges(self.held[own], self.held[own + 1] - self.held[own])
        overlap = np.bincount(self.holders[places], minlength=len(sizes))
        alike = overlap >= THRESHOLD * (sizes + len(own) - overlap)
        there = self.place >= 0
        found[there] |= alike[self.place[there]]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class SameCells:
    """Rows all of whose cells are equal; `keys` (n, b) are digests of them."""

    keys: Array

    def near(self, row: int) -> Array:
        """(n,) booleans: the rows that repeat a row, itself included.

        >>> SameCells(np.array([[1, 2], [1, 3], [1, 2]])).near(0).tolist()
        [True, False, True]
        """
        return np.asarray((self.keys == self.keys[row]).all(1))
