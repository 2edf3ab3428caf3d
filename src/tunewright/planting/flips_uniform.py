"""Labels that are wrong at random."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Planted
from tunewright.planting.drawing import changed, draw, put
from tunewright.planting.targets import wrong_targets


@dataclass(frozen=True, slots=True, kw_only=True)
class UniformFlips:
    """Give rows the target of another row, each other class being equally likely.

    Multilabel: the labels of a row that shares none; regression: a value two standard deviations away.

    Args:
        rate: share of the rows.
    """

    name: ClassVar[str] = "flips_uniform"
    kind: ClassVar[str] = "label_errors"
    also: ClassVar[tuple[str, ...]] = ("conflicting_labels",)
    of: ClassVar[str] = "rows"
    touches: ClassVar[str] = "target"
    rate: float = 0.05

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Flip."""
        drawn = draw(about.rows, self.rate, rng)
        if drawn is None:
            return None
        rows, cells = wrong_targets(frame, about, drawn, rng)
        return changed(put(frame, about.target, rows, cells), rows, (about.target,)) if len(rows) else None
