"""Rows that stand in the table again in nearly the same words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Planted
from tunewright.planting.drawing import draw, pick, present, put, with_copies
from tunewright.planting.duplicates_exact import lone_rows
from tunewright.planting.wording import SIMILAR, reworded


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDuplicates:
    """Add copies of rows whose text has up to three slips or other words, at the end.

    Args:
        rate: share of the rows that are copied.
        similar: least Jaccard similarity of the character 5-shingles of copy and source.
    """

    name: ClassVar[str] = "duplicates_near"
    kind: ClassVar[str] = "near_duplicates"
    also: ClassVar[tuple[str, ...]] = ()
    of: ClassVar[str] = "rows"
    touches: ClassVar[str] = "copies"
    rate: float = 0.02
    similar: float = SIMILAR

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Copy and reword; texts too short to stay similar are passed over. Nothing to do without text."""
        if not about.texts:
            return None
        column = pick(about.texts, rng)
        drawn = draw(present(frame, column, lone_rows(frame, about)), self.rate, rng)
        if drawn is None:
            return None
        place = about.texts.index(column)
        sources, texts = [], []
        for row in frame[drawn].select(about.texts).with_columns(pl.Series("\0row", drawn)).rows():
            left = "".join(f"{text}\n" for text in row[:place] if text)
            right = "".join(f"\n{text}" for text in row[place + 1 : -1] if text)
            text = reworded(row[place], rng, similar=self.similar, between=(left, right))
            if text is not None:
                sources.append(row[-1])
                texts.append(text)
        if not sources:
            return None
        copies = put(frame[sources], column, np.arange(len(sources)), texts)
        return with_copies(frame, np.array(sources, np.int64), copies)
