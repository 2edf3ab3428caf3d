"""What every part of a split should hold its share of: classes, ranges of a number, rare labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl

from tunewright.data import parse_numbers, split_labels
from tunewright.errors import DataError
from tunewright.records import TaskKind
from tunewright.splits.shingles import Ints

BINS = 10
ROWS_PER_BIN = 10
NO_LABEL = "(no label)"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Strata:
    """The stratum of each row.

    Args:
        codes: (n,) index into `names`; -1 where the target is missing.
        names: a class, a range of the target, or the rarest label of a row.
    """

    codes: Ints
    names: tuple[str, ...]

    @property
    def labelled(self) -> Ints:
        """Rows that have a target, ascending."""
        return np.flatnonzero(self.codes >= 0)


def strata(target: pl.Series, task: TaskKind) -> Strata:
    """Put each row into a stratum; rows without a target into none.

    Classes are strata themselves. A number is cut at its quantiles into ten ranges (fewer below 100 rows). Of several
    labels the one that is rarest in the table counts (ties: by name), as in the first step of iterative stratification
    (Sechidis, Tsoumakas & Vlahavas 2011).

    Args:
        target: classes as text, numbers, or lists of labels.
        task: which of them.

    Raises:
        DataError: no row has a target.

    >>> strata(pl.Series(["spam", "ham", None, "ham"]), "binary").codes.tolist()
    [1, 0, -1, 0]
    >>> strata(pl.Series([["joy", "love"], ["joy"], []]), "multilabel").names
    ('(no label)', 'joy', 'love')
    """
    if task == "regression":
        found = _ranges(target)
    else:
        names = _rarest(target) if task == "multilabel" else _classes(target)
        classes = names.drop_nulls().unique().sort().to_list()
        number = {name: code for code, name in enumerate(classes)}
        codes = [-1 if name is None else number[name] for name in names.to_list()]
        found = Strata(codes=np.array(codes, dtype=np.int64), names=tuple(classes))
    if not found.labelled.size:
        raise DataError(
            f"A split needs rows with a target. Column {target.name!r} is empty in all {len(target)} rows. "
            "Choose another target."
        )
    return found


def _classes(target: pl.Series) -> pl.Series:
    return (target.fill_nan(None) if target.dtype.is_float() else target).cast(pl.String)


def _ranges(target: pl.Series) -> Strata:
    numbers = parse_numbers(target) if target.dtype == pl.String else target.cast(pl.Float64)
    values = numbers.fill_null(float("nan")).to_numpy()
    present = np.isfinite(values)
    if not present.any():
        return Strata(codes=np.full(values.size, -1, dtype=np.int64), names=())
    bins = int(np.clip(present.sum() // ROWS_PER_BIN, 1, BINS))
    cuts = np.unique(np.quantile(values[present], np.linspace(0, 1, bins + 1)[1:-1]))
    codes = np.where(present, np.searchsorted(cuts, values, side="right"), -1)
    used, dense = np.unique(codes[present], return_inverse=True)
    codes[present] = dense
    ends = [values[codes == code] for code in range(used.size)]
    names = tuple(f"{place}: {end.min():.6g} to {end.max():.6g}" for place, end in enumerate(ends, start=1))
    return Strata(codes=codes.astype(np.int64), names=names)


def _rarest(target: pl.Series) -> pl.Series:
    lists = split_labels(target).to_list()
    count: dict[str, int] = {}
    for labels in lists:
        for label in labels or ():
            count[label] = count.get(label, 0) + 1
    rarest = [
        None if labels is None else min(labels, key=lambda label: (count[label], label), default=NO_LABEL)
        for labels in lists
    ]
    return pl.Series(target.name, rarest, dtype=pl.String)
