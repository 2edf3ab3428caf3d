"""Labels that are wrong where classes are alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Planted
from tunewright.planting.classes import classes_of, nearest_classes, rows_by_class
from tunewright.planting.drawing import changed, draw, put


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfusedFlips:
    """Give rows of some classes the class they are most easily taken for: noise that depends on the class.

    Classes are alike where an out-of-fold model confuses them, or, without one, where they share words and values.
    The more confusable half of the classes is affected, the others are spared.

    Args:
        rate: share of the rows.
        most: share of a class's rows, at most; a class that is mostly wrong is no longer wrong.
    """

    name: ClassVar[str] = "flips_confused"
    kind: ClassVar[str] = "label_errors"
    also: ClassVar[tuple[str, ...]] = ("conflicting_labels",)
    of: ClassVar[str] = "rows"
    touches: ClassVar[str] = "target"
    rate: float = 0.05
    most: float = 0.2

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Flip; regression and multilabel targets have no classes of this sort."""
        if about.task not in ("binary", "multiclass"):
            return None
        classes = classes_of(frame, about)
        nearest, alike = nearest_classes(frame, about, classes)
        known = np.flatnonzero(nearest >= 0)
        if not len(known):
            return None
        affected = known[np.argsort(-alike[known], kind="stable")][: (len(known) + 1) // 2]
        owned = rows_by_class(classes, about.rows)
        candidates = [rng.permutation(owned[code])[: int(self.most * len(owned[code]))] for code in np.sort(affected)]
        rows = draw(np.sort(np.concatenate(candidates)), self.rate, rng, of=len(about.rows))
        if rows is None:
            return None
        cells = frame[about.target][classes.example[nearest[classes.codes[rows]]]]
        return changed(put(frame, about.target, rows, cells), rows, (about.target,))
