"""The target as the leakage detectors look at it: classes or numbers of a sample of rows that are not test rows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tunewright.detectors.rows import Ints, Rows

Floats = np.ndarray[Any, np.dtype[np.float64]]
Bools = np.ndarray[Any, np.dtype[np.bool_]]
MOST = 20_000  # rows that are looked at
FOLDS = 5
SMALLEST = 10  # rows of a group that anything is said of
MOST_GROUPS = 1000
MOST_SETS = 50  # of labels, the commonest
ENDS = (0.5, 0.42, 1 / 3, 0.3, 0.25, 0.21, 0.18, 0.15, 0.125, 0.1)  # of a number, as shares of the rows
MOST_END = 0.6  # of the rows, where many have one value


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Goal:
    """What is to be predicted, of m rows.

    Args:
        rows: (m,) ids, ascending; at most 20,000, drawn by the seed where there are more.
        codes: (m,) class numbers (several labels count as one class of their own); regression: empty.
        numbers: (m,) values; classes: empty.
        names: of the classes; multilabel: of the labels.
        labels: multilabel: (m, K) whether a row has the label; else empty.
        sets: multilabel: the sets of labels, which `codes` number; else empty.
        folds: (m,) fold of each row; copies of a row are in one fold.
        sampled: whether there are more rows than these.
    """

    rows: Ints
    codes: Ints
    numbers: Floats
    names: tuple[str, ...]
    labels: Bools
    sets: tuple[str, ...]
    folds: Ints
    sampled: bool

    @property
    def regression(self) -> bool:
        """Whether the target is a number."""
        return len(self.numbers) > 0

    def groups(self) -> Iterator[tuple[str, Bools]]:
        """What a sign may give away, and which rows it is true of: a class, a label, a set of labels, an end of values.

        A system that leaves marks knows what it marks: a set of labels is an answer of its own to it, and where the end
        of a number begins is anybody's guess. So the 50 commonest sets are there beside the labels, and the ends of a
        number come in ten widths, of which one holds at least 85 % of any other up to a half.
        """
        if self.regression:
            yield from self._ends()
            return
        for place, name in enumerate(self.names[:MOST_GROUPS]):
            mask = self.labels[:, place] if self.labels.size else self.codes == place
            if mask.sum() >= SMALLEST:
                yield repr(name[:40]), mask
        sizes = np.bincount(self.codes, minlength=len(self.sets)) if self.sets else np.zeros(0, np.int64)
        for place in np.argsort(-sizes, kind="stable")[:MOST_SETS].tolist():
            if sizes[place] >= SMALLEST:
                yield f"{self.sets[place][:40]!r} alone", self.codes == place

    def _ends(self) -> Iterator[tuple[str, Bools]]:
        low, high = np.quantile(self.numbers, [1 / 3, 2 / 3])
        masks = {"the middle third": (self.numbers > low) & (self.numbers < high)}
        for width in ENDS:
            masks[f"the largest {width:.0%}"] = self.numbers >= np.quantile(self.numbers, 1 - width)
            masks[f"the smallest {width:.0%}"] = self.numbers <= np.quantile(self.numbers, width)
        for name, mask in masks.items():
            if SMALLEST <= mask.sum() <= MOST_END * len(mask):
                yield name, mask


def goal(rows: Rows) -> Goal | None:
    """Draw the rows and read their targets; None with fewer than 50 rows or one class."""
    target = rows.typed[rows.table.target]
    known = rows.seen[target[rows.seen].is_not_null().to_numpy()]
    sampled = len(known) > MOST
    if sampled:
        known = np.sort(np.random.default_rng(rows.seed).permutation(known)[:MOST])
    cells = target[known]
    numbers, codes, labels = np.zeros(0), np.zeros(0, np.int64), np.zeros((0, 0), bool)
    names, sets = tuple[str, ...](), tuple[str, ...]()
    if rows.table.task == "regression":
        numbers = cells.cast(pl.Float64).to_numpy()
        enough = len(np.unique(numbers)) > 1
    else:
        words = cells.list.join("|") if isinstance(cells.dtype, pl.List) else cells
        found, codes = np.unique(words.to_numpy().astype(str), return_inverse=True)
        names, enough = tuple(found.tolist()), len(found) > 1
        if isinstance(cells.dtype, pl.List):
            sets, names = names, tuple(cells.explode().drop_nulls().unique().sort().to_list())
            labels = np.stack([cells.list.contains(name).to_numpy() for name in names[:MOST_GROUPS]], 1)
    if len(known) < 50 or not enough:
        return None
    return Goal(
        rows=known,
        codes=codes.astype(np.int64),
        numbers=numbers,
        names=names,
        labels=labels,
        sets=sets,
        folds=_folds(rows.clusters.labels[known], rows.seed),
        sampled=sampled,
    )


def _folds(clusters: Ints, seed: int) -> Ints:
    units, of = np.unique(clusters, return_inverse=True)
    return np.asarray((np.random.default_rng(seed).permutation(len(units)) % FOLDS)[of], np.int64)
