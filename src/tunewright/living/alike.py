"""Which rows nearly repeat a given row: by their texts, or for tables by all their cells."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from tunewright.splits.shingles import normalise, shingle_sets

Array = np.ndarray[Any, np.dtype[Any]]
THRESHOLD = 0.8  # Jaccard similarity of character shingles, as where rows are split


class Alike(Protocol):
    """Tells repeats among n rows."""

    def near(self, row: int) -> Array:
        """(n,) booleans: the rows that nearly repeat a row, itself included."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class SameTexts:
    """Rows whose texts share four fifths of their character shingles. Asking costs the characters of all texts.

    Args:
        tokens: shingles of all texts that are not empty, numbered from 0, one text after another.
        starts: (m + 1,) where each of these texts starts.
        place: (n,) which of these texts a row has; −1 for an empty one, which repeats nothing.
    """

    tokens: Array
    starts: Array
    place: Array

    @classmethod
    def of(cls, texts: Sequence[str]) -> SameTexts:
        """Compare texts after folding case, white space and Unicode forms.

        >>> SameTexts.of(["Call me now, please", "", "call me  now, please!", "Else"]).near(0).tolist()
        [True, False, True, False]
        """
        folded = [normalise(text) for text in texts]
        place = np.full(len(folded), -1, np.int64)
        held = np.array([row for row, text in enumerate(folded) if text], np.int64)
        place[held] = np.arange(len(held))
        sets = shingle_sets([folded[row] for row in held])
        return cls(np.unique(sets.tokens, return_inverse=True)[1].reshape(-1), sets.starts, place)

    def near(self, row: int) -> Array:
        """(n,) booleans: the rows that nearly repeat a row, itself included."""
        found = np.zeros(len(self.place), bool)
        found[row] = True
        at = int(self.place[row])
        if at < 0:
            return found
        own = self.tokens[self.starts[at] : self.starts[at + 1]]
        shared = np.zeros(int(self.tokens.max()) + 1, np.int32)
        shared[own] = 1
        overlap = np.add.reduceat(shared[self.tokens], self.starts[:-1])
        sizes = np.diff(self.starts)
        alike = overlap >= THRESHOLD * (sizes + len(own) - overlap)
        held = self.place >= 0
        found[held] |= alike[self.place[held]]
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
