"""Labels that are wrong where the right one is a close call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Planted
from tunewright.planting.classes import classes_of, columns_of
from tunewright.planting.drawing import changed, draw, put
from tunewright.planting.flips_confused import ConfusedFlips


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryFlips:
    """Give rows that a model which never saw them finds nearly undecided the class it nearly chose.

    Rows are drawn among those whose own class is ahead by little. Without out-of-fold probabilities, classes that are
    alike are confused instead (`ConfusedFlips`).

    Args:
        rate: share of the rows.
        pool: how many times as many of the closest rows they are drawn from.
    """

    name: ClassVar[str] = "flips_boundary"
    kind: ClassVar[str] = "label_errors"
    also: ClassVar[tuple[str, ...]] = ("conflicting_labels",)
    of: ClassVar[str] = "rows"
    touches: ClassVar[str] = "target"
    rate: float = 0.03
    pool: float = 4.0

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Flip; regression and multilabel targets have no classes of this sort."""
        if about.probabilities is None:
            return ConfusedFlips(rate=self.rate).plant(frame, about, rng)
        if about.task not in ("binary", "multiclass"):
            return None
        classes = classes_of(frame, about)
        columns = columns_of(about, classes)
        own = columns[classes.codes[about.rows]]
        judged = about.rows[own >= 0]
        said = about.probabilities[judged].copy()
        given = columns[classes.codes[judged]]
        mine = said[np.arange(len(judged)), given]
        said[np.arange(len(judged)), given] = -1.0
        margin = mine - said.max(1, initial=-1.0)
        # Where the model says nothing, the margin is NaN and nothing is ahead.
        ahead = np.flatnonzero((margin >= 0) & np.isin(said.argmax(1), columns))
        close = ahead[np.argsort(margin[ahead], kind="stable")][: round(self.pool * self.rate * len(about.rows))]
        drawn = draw(np.sort(close), self.rate, rng, of=len(about.rows))
        if drawn is None:
            return None
        class_of = np.zeros(said.shape[1], np.int64)
        class_of[columns[columns >= 0]] = np.flatnonzero(columns >= 0)
        rows = judged[drawn]
        cells = frame[about.target][classes.example[class_of[said[drawn].argmax(1)]]]
        return changed(put(frame, about.target, rows, cells), rows, (about.target,))
