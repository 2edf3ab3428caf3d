"""Slips of the fingers."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tunewright.evaluation.robustness.base import Cells, Rows

_WORD = re.compile(r"[^\W\d_]{4,}")
_KEYS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Typos:
    """One slip in some words of at least four letters, at least in one.

    Two letters change places, or one is left out, doubled, or becomes its neighbour on the keyboard. The first letter
    stays: people hit that.

    Args:
        share: of the words.

    >>> Typos().slipped("where is my parcel", np.random.default_rng(0))
    'where is my parxel'
    """

    kind: ClassVar[str] = "typos"
    says: ClassVar[str] = "a slip of the fingers in one word of ten, at least in one"
    share: float = 0.1

    def change(self, rows: Rows) -> Iterator[tuple[str, Cells]]:
        """Every text with slips."""
        yield self.kind, rows.rewritten(self.slipped)

    def slipped(self, text: str, rng: np.random.Generator) -> str:
        """One text with slips; the same where it has no such word."""
        spans = [found.span() for found in _WORD.finditer(text)]
        if not spans:
            return text
        count = max(1, round(self.share * len(spans)))
        # From the end, so that the places before stay where they are.
        for place in sorted(rng.choice(len(spans), count, replace=False).tolist(), reverse=True):
            start, end = spans[place]
            text = text[:start] + _slip(text[start:end], rng) + text[end:]
        return text


def _slip(word: str, rng: np.random.Generator) -> str:
    at = int(rng.integers(1, len(word) - 1))
    before, letter, after = word[:at], word[at], word[at + 1 :]
    kind = int(rng.integers(4))
    if kind == 0 and letter != after[0]:
        return before + after[0] + letter + after[1:]
    if kind == 1:
        return before + after
    return before + (_beside(letter, rng) if kind == 2 else letter * 2) + after


def _beside(letter: str, rng: np.random.Generator) -> str:
    """A neighbouring key; letters of other keyboards are doubled."""
    row = next((row for row in _KEYS if letter.lower() in row), None)
    if row is None:
        return letter * 2
    at = row.index(letter.lower())
    near = row[max(at - 1, 0) : at] + row[at + 1 : at + 2]
    found = near[int(rng.integers(len(near)))]
    return found.upper() if letter.isupper() else found
