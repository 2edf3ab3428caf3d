"""Numbers that cannot be, or that stand far from all others; texts far longer or shorter than all others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from tunewright.data.disguised import disguised_numbers
from tunewright.detectors.rows import Ints, Rows
from tunewright.detectors.tails import Floats, lower_tail, upper_tail
from tunewright.detectors.unlike import unlike
from tunewright.records import Finding

Bools = np.ndarray[Any, np.dtype[np.bool_]]
FEWEST = 50  # values to judge others by
RARE, FEW = 0.01, 3  # more negative values than this share, and than so many, are no mistake
MIRRORED = 0.02  # negative values as a share of the positive ones equally near to zero, if zero is a limit
SKEWED = 3.0  # times as far from the median to the 95th percentile as to the 5th: a quantity that begins at zero
RUINOUS = 3.0  # widths of the others: such a value decides a mean or a scale alone
_PERCENT = re.compile(r"(?i)(?:^|[\W_])(?:percent|percentage|pct|perc)(?:$|[\W_])|%")
_AGE = re.compile(r"(?i)(?:^|[\W_])age(?:$|[\W_])|[a-z]Age$")
_OLDEST = 125.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outliers:
    """Report numbers beyond what a column can hold, numbers far beyond the tail of the others, texts of unlike length.

    A number is impossible where it is one of few negative ones in a column to which zero is a limit, or above what its
    column's name allows (percent, age). It is isolated where the others' own tail, heavy as it may be, gives a gap as
    wide as the one before it a chance below 1 in 400 (see `tails`). All limits come from rows that are not test rows.

    Cost: sorting, n log n per column.
    """

    kind: ClassVar[str] = "outliers"

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look."""
        seen = np.isin(rows.used, rows.seen)
        found: list[Finding] = []
        for column in rows.table.columns:
            if column.kind == "number" and column.role in ("feature", "target", "weight"):
                found += _numbers(rows, column.name, seen, clip=column.role == "feature")
            elif column.kind == "text" and column.role == "feature":
                found += _lengths(rows, column.name, seen)
        found += _texts(rows)
        return tuple(sorted(found, key=lambda finding: (finding.severity != "warning", -(finding.score or 0.0))))


def _numbers(rows: Rows, name: str, seen: Bools, *, clip: bool) -> Iterator[Finding]:
    values = rows.typed[name][rows.used].cast(pl.Float64).fill_null(float("nan")).to_numpy()
    known = values[seen & np.isfinite(values)]
    if len(known) < FEWEST or len(np.unique(known)) < 3:
        return
    low, low_why = _floor(known)
    high, high_why = _ceiling(name, known)
    coded = [one.value for one in disguised_numbers(pl.Series(known)) if one.value < 0]
    values = np.where(np.isin(values, coded), np.nan, values)
    possible = (values >= low) & (values <= high)
    body = known[(known >= low) & (known <= high)]
    above, below = upper_tail(body), lower_tail(body)
    impossible = np.isfinite(values) & ~possible
    isolated = possible & ((values >= above.bound) | (-values >= below.bound))
    remedy = "clip" if clip else None
    if impossible.any():
        width = float(np.subtract(*np.quantile(body, [0.75, 0.25]))) or float(np.ptp(body)) or 1.0
        beyond = np.maximum(low - values, values - high) / width
        why = low_why if (values < low).any() else high_why
        evidence = f"{name!r} has {_count(impossible, 'value')} {why}. Found: {_shown(values[impossible])}."
        yield _finding((name,), rows.used[impossible], beyond[impossible], evidence, grave=True, remedy=remedy)
    if isolated.any():
        beyond = np.maximum(above.nats(values), below.nats(-values))
        inner, outer = values[possible & ~isolated], values[isolated]
        reach = max(outer.max() - inner.max(), inner.min() - outer.min())
        evidence = (
            f"{name!r} has {_count(isolated, 'value')} far from all others, which lie between {inner.min():,.6g} and "
            f"{inner.max():,.6g}. Found: {_shown(outer)}."
        )
        grave = bool(reach >= RUINOUS * np.ptp(inner))
        yield _finding((name,), rows.used[isolated], beyond[isolated], evidence, grave=grave, remedy=remedy)


def _floor(known: Floats) -> tuple[float, str]:
    """Zero, where a few negative numbers are not the end of a slope that crosses it.

    So much says a quantity that grows from zero (many small, few large), a gap, or many numbers right above zero.
    """
    negative = known[known < 0]
    if not len(negative) or len(negative) > max(RARE * len(known), FEW):
        return -np.inf, ""
    near = int(((known > 0) & (known <= -negative.min())).sum())
    low, middle, high = np.quantile(known[known >= 0], [0.05, 0.5, 0.95])
    skewed = high - middle >= SKEWED * (middle - low)
    isolated = lower_tail(known).bound <= -negative.max()
    if skewed or isolated or len(negative) <= MIRRORED * near:
        return 0.0, "below zero, where no other value is"
    return -np.inf, ""


def _ceiling(name: str, known: Floats) -> tuple[float, str]:
    """What percentages and ages do not exceed, where hardly any does."""
    for pattern, limit, why in ((_PERCENT, 100.0, "percentages"), (_AGE, _OLDEST, "ages")):
        beyond = int((known > limit).sum())
        if pattern.search(name) and 0 < beyond <= RARE * len(known) and float(np.quantile(known, 0.5)) >= limit / 50:
            return limit, f"above {limit:g}, as {why} are not"
    return np.inf, ""


def _lengths(rows: Rows, name: str, seen: Bools) -> Iterator[Finding]:
    texts = rows.typed[name][rows.used]
    lengths = texts.str.len_chars().cast(pl.Float64).fill_null(float("nan")).to_numpy()
    known = np.log(lengths[seen & (lengths > 0)])
    if len(known) < FEWEST:
        return
    above, below = upper_tail(known), lower_tail(known)
    logs = np.log(np.maximum(lengths, 1.0))
    isolated = (lengths > 0) & ((logs >= above.bound) | (-logs >= below.bound))
    if isolated.any():
        inner = lengths[(lengths > 0) & ~isolated]
        beyond = np.maximum(above.nats(logs), below.nats(-logs))
        evidence = (
            f"{name!r} has {_count(isolated, 'text')} of a length far from all others, which have {inner.min():,.0f} "
            f"to {inner.max():,.0f} characters. Found, in characters: {_shown(lengths[isolated])}."
        )
        yield _finding((name,), rows.used[isolated], beyond[isolated], evidence)


def _texts(rows: Rows) -> Iterator[Finding]:
    measured = unlike(rows)
    if measured is None:
        return
    ids, distance, bound = measured
    far = distance > bound
    if far.any():
        names = rows.table.features("text")
        looked = f" (of {len(ids):,} that were looked at)" if len(ids) < len(rows.used) else ""
        evidence = (
            f"{_count(far, 'text')} {'is' if far.sum() == 1 else 'are'} unlike all others by the vectors of "
            f"{' and '.join(map(repr, names))}{looked}: up to {distance.max() / np.median(distance):.2f} times as far "
            "from the middle as most."
        )
        yield _finding(names, ids[far], distance[far] / bound, evidence)


def _finding(
    columns: tuple[str, ...],
    ids: Ints,
    scores: Floats,
    evidence: str,
    *,
    grave: bool = False,
    remedy: str | None = None,
) -> Finding:
    order = np.lexsort((ids, -scores))
    return Finding(
        kind=Outliers.kind,
        severity="warning" if grave else "info",
        evidence=evidence,
        columns=columns,
        rows=tuple(ids[order].tolist()),
        rows_total=len(ids),
        score=round(float(scores.max()), 4),
        scores=tuple(scores[order].round(4).tolist()),
        remedy=remedy,
    )


def _count(marks: Bools, what: str) -> str:
    return f"{marks.sum():,} {what}{'s' * bool(marks.sum() != 1)}"


def _shown(values: Floats) -> str:
    """The most frequent values, in full."""
    counts = pl.Series("v", values).value_counts(name="n").sort("n", "v", descending=True)
    shown = [f"{_plain(v)} ({n:,} times)" if n > 1 else _plain(v) for v, n in counts.head(3).iter_rows()]
    return ", ".join(shown) + (" and others" if counts.height > 3 else "")


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value == round(value) and abs(value) < 1e15 else f"{value:,.6g}"
