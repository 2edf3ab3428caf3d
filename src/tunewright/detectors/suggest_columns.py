"""Columns that the split should know of: rows that belong together, and the time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from tunewright.detectors.rows import Ints, Rows
from tunewright.detectors.time_drift import time_column
from tunewright.records import Column, Finding

Floats = np.ndarray[Any, np.dtype[np.float64]]
FEWEST, MOST = 50, 50_000  # rows
GROUPS = 10  # different values of a column that groups rows
SHARED = 0.2  # of the rows that share their value with another row
LARGEST = 0.2  # of the rows in one group
DISTINCT = 0.02, 0.9  # different values per row
NAMED = 0.001  # different values per row, where the name says that it is one
ALIKE, SURE = 0.1, 5.0  # how much more alike targets are within a group than between; standard errors
_GROUP = re.compile(
    r"(?i)(?:^|[\W_])(?:customer|client|user|patient|subject|person|author|speaker|writer|session|account|household|"
    r"family|device|machine|store|document|doc|article|conversation|thread|dialog|dialogue|case|group|site|hospital|"
    r"school|ticket|batch|member|player|driver|respondent|participant)(?:$|[\W_]|id$|no$|number$)|"
    r"(?:^|[\W_])id$|[a-z]I[dD]$"
)
_TIME = re.compile(r"(?i)(?:^|[\W_])(?:date|time|timestamp|datetime|day|created|updated|at|when)(?:$|[\W_])|date|time")


@dataclass(frozen=True, slots=True, kw_only=True)
class SuggestColumns:
    """Say when a column looks like a group or a time, and the plan names none.

    A group is a column of names or codes, each shared by a few rows, that is called like one (customer_id) or within
    which targets are far more alike than between; of each only those that the split tears apart. A time is a column of
    dates that is called like one or along which the rows are sorted.

    Cost: sorting, n log n per column; at most 50,000 rows are compared by target.
    """

    kind: ClassVar[str] = "leakage_split"

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look."""
        roles = {column.role for column in rows.table.columns}
        found = [] if "group" in roles or rows.split.how == "by_time" else list(_groups(rows))
        found = sorted(found, key=lambda finding: -(finding.score or 0.0))[:2]
        if "time" not in roles and rows.split.how != "by_time":
            found += list(_times(rows))
        return tuple(found)


def _groups(rows: Rows) -> Iterator[Finding]:
    for column in rows.table.columns:
        if column.role not in ("feature", "ignore") or column.kind not in ("category", "id", "number", "ignore"):
            continue
        if column.name not in rows.raw.columns:
            continue
        named = bool(_GROUP.search(column.name))
        values = _codes(rows, column, named)
        if values is None:
            continue
        known = values >= 0
        sizes = np.bincount(values[known])
        distinct, most = np.count_nonzero(sizes), sizes.max(initial=0)
        if distinct < GROUPS or most > max(LARGEST * known.sum(), 2) or known.sum() < FEWEST:
            continue
        shared = (sizes[values[known]] > 1).mean()
        few, many = (NAMED if named else DISTINCT[0]) * known.sum(), DISTINCT[1] * known.sum()
        if shared < SHARED or not few <= distinct <= many:
            continue
        alike = _alike(rows, values)
        if not (named or alike >= ALIKE):
            continue
        yield from _torn(rows, column.name, values, alike)


def _codes(rows: Rows, column: Column, named: bool) -> Ints | None:
    """(m,) a number per value of the used rows, −1 where empty; None for measured quantities."""
    cells = rows.raw[column.name][rows.used]
    if not (cells.dtype == pl.String or cells.dtype.is_integer()):
        return None
    if column.kind == "number":
        numbers = rows.typed[column.name][rows.used] if column.name in rows.typed.columns else cells.cast(pl.Float64)
        whole = bool((numbers.drop_nulls() == numbers.drop_nulls().round(0)).all())
        if not (named and whole):
            return None
    words = cells.cast(pl.String).str.strip_chars()
    words = words.set((words == "").fill_null(False), None)
    return np.asarray(words.rank("dense").cast(pl.Int64).fill_null(0).to_numpy() - 1)


def _alike(rows: Rows, values: Ints) -> float:
    """Intraclass correlation of the target (of classes: of agreement) within the groups; 0 where it is not sure.

    Over train and validation rows, one of each cluster of copies, so that copies do not count as a group.
    """
    target = rows.typed[rows.table.target]
    ids = rows.seen
    ids = ids[np.sort(np.unique(rows.clusters.copies[ids], return_index=True)[1])][:MOST]
    codes = values[np.searchsorted(rows.used, ids)]
    ids, codes = ids[codes >= 0], codes[codes >= 0]
    cells = target[ids]
    if rows.table.task == "regression":
        numbers = cells.rank().to_numpy()[:, None]
    else:
        words = cells.list.join("|") if isinstance(cells.dtype, pl.List) else cells
        classes = np.unique(words.to_numpy().astype(str), return_inverse=True)[1]
        usual = np.bincount(classes).argsort()[::-1][:20]
        numbers = (classes[:, None] == usual).astype(np.float64)
    return _within(numbers, codes)


def _within(numbers: Floats, codes: Ints) -> float:
    """Mean product of two different members of a group, as a share of the variance; 0 within 5 standard errors of 0."""
    centred = numbers - numbers.mean(0)
    variance = float((centred**2).sum(1).mean())
    size = np.bincount(codes)
    sums = np.stack([np.bincount(codes, weights=column, minlength=len(size)) for column in centred.T], 1)
    own = np.bincount(codes, weights=(centred**2).sum(1), minlength=len(size))
    pairs = float((size * (size - 1)).sum())
    if not pairs or not variance:
        return 0.0
    products = (sums**2).sum(1) - own
    share = float(products.sum()) / pairs / variance
    error = float(np.sqrt((products**2).sum())) / pairs / variance
    return share if share >= SURE * error else 0.0


def _torn(rows: Rows, name: str, values: Ints, alike: float) -> Iterator[Finding]:
    """Groups with rows in the test part and outside of it."""
    test = np.isin(rows.used, rows.split.test) & (values >= 0)
    inside = np.isin(values, values[~test & (values >= 0)]) & test
    if not inside.any() or inside.sum() < SHARED / 2 * test.sum():
        return
    share = float(inside.sum() / max(test.sum(), 1))
    more = f", and targets are alike within a value (correlation {alike:.2f})" if alike else ""
    yield Finding(
        kind=SuggestColumns.kind,
        severity="info",
        evidence=f"{name!r} looks like a group of rows: {len(np.unique(values[values >= 0])):,} values in "
        f"{int((values >= 0).sum()):,} rows{more}. {share:.1%} of the test rows share theirs with rows that are "
        f"learned from. If new rows will bring new values, set splits.group: {name}.",
        columns=(name,),
        rows=tuple(rows.used[inside].tolist()),
        rows_total=int(inside.sum()),
        score=round(share, 4),
    )


def _times(rows: Rows) -> Iterator[Finding]:
    column = time_column(rows)
    if column is None:
        return
    moments = rows.typed[column.name][rows.used].drop_nulls()
    days = moments.dt.date().n_unique()
    ordered = moments.is_sorted() or moments.is_sorted(descending=True)
    if days < GROUPS or not (ordered or _TIME.search(column.name)):
        return
    why = "the rows are sorted by it" if ordered else "its name and its dates say so"
    yield Finding(
        kind=SuggestColumns.kind,
        severity="info",
        evidence=f"{column.name!r} looks like the time of a row ({why}; {days:,} days), which the split does not know. "
        f"If the model will be used on later rows, set splits.time: {column.name}.",
        columns=(column.name,),
        score=None,
    )
