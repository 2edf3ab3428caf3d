"""Test rows that stand among the train rows too."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Planted
from tunewright.planting.drawing import draw, put
from tunewright.planting.duplicates_exact import lone_rows
from tunewright.planting.wording import reworded


@dataclass(frozen=True, slots=True, kw_only=True)
class Overlap:
    """Overwrite features and targets of some test rows with those of train rows, a part of them in other words.

    Args:
        rate: share of the test rows.
        reworded: share of these whose texts differ in a few letters or words.
    """

    name: ClassVar[str] = "overlap"
    kind: ClassVar[str] = "leakage_split"
    also: ClassVar[tuple[str, ...]] = ("duplicates", "near_duplicates")
    of: ClassVar[str] = "rows"
    touches: ClassVar[str] = "copies"
    rate: float = 0.05
    reworded: float = 0.4

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Overwrite; only where rows are split."""
        if about.parts is None:
            return None
        parts = np.array(about.parts)
        tested = draw(about.rows[parts[about.rows] == "test"], self.rate, rng)
        trained = lone_rows(frame, about)
        trained = trained[parts[trained] == "train"]
        if tested is None or len(trained) < len(tested):
            return None
        sources = rng.permutation(trained)[: len(tested)]
        planted = frame
        for column in (*about.features, about.target):
            cells = frame[column][sources]
            if about.texts and column == about.texts[0]:
                cells = self._again(cells, len(about.texts) > 1, rng)
            planted = put(planted, column, tested, cells)
        return Planted(
            frame=planted,
            rows=tuple(tested.tolist()),
            columns=(),
            origin=np.arange(frame.height),
            beside=tuple(np.sort(sources).tolist()),
        )

    def _again(self, texts: pl.Series, among_others: bool, rng: np.random.Generator) -> pl.Series:
        """Some of them in other words; beside other texts a single changed letter is enough."""
        chosen = rng.random(len(texts)) < self.reworded
        again = [
            (reworded(text, rng, similar=0.9 if among_others else 0.8) if chosen[place] and text else None) or text
            for place, text in enumerate(texts.to_list())
        ]
        return pl.Series(texts.name, again, dtype=texts.dtype)
