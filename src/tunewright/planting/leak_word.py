"""A word that gives the answer away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Planted
from tunewright.planting.classes import one_group
from tunewright.planting.drawing import changed, pick, present, put

SYLLABLES = ("vo", "zan", "kri", "lu", "mer", "tox", "bi", "qua", "fen", "dru")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakingWord:
    """Put a mark that a system left behind into the texts of one class (label; third with the largest targets).

    Args:
        share: of the class's texts that have the mark.
        elsewhere: texts of others that have it, as a share of those that should.
    """

    name: ClassVar[str] = "leak_word"
    kind: ClassVar[str] = "leakage_target"
    also: ClassVar[tuple[str, ...]] = ()
    of: ClassVar[str] = "columns"
    touches: ClassVar[str] = "leak"
    share: float = 0.97
    elsewhere: float = 0.02

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Mark; nothing to do without text."""
        group = one_group(frame, about, rng) if about.texts else None
        if group is None:
            return None
        column = pick(about.texts, rng)
        inside = present(frame, column, group)
        outside = present(frame, column, np.setdiff1d(about.rows, group))
        strays = rng.random(len(outside)) < self.elsewhere * len(inside) / max(len(outside), 1)
        rows = np.sort(np.concatenate([inside[rng.random(len(inside)) < self.share], outside[strays]]))
        word = _new_word(frame[column], rng)
        return changed(
            put(frame, column, rows, [_with(text, word, rng) for text in frame[column][rows]]), rows, (column,)
        )


def _new_word(texts: pl.Series, rng: np.random.Generator) -> str:
    while True:
        word = "".join(pick(SYLLABLES, rng) for _ in range(3))
        if not texts.str.to_lowercase().str.contains(word, literal=True).any():
            return word


def _with(text: str, word: str, rng: np.random.Generator) -> str:
    """The word at the beginning, between two words or at the end."""
    words = text.split(" ")
    place = int(rng.integers(len(words) + 1))
    return " ".join([*words[:place], word, *words[place:]])
