"""What changes with time: the target, or what it is to be predicted from."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from tunewright.detectors.contrasts import Contrast, contrasts, strongest
from tunewright.detectors.rows import Ints, Rows
from tunewright.records import Column, Finding
from tunewright.stats import holm

Floats = np.ndarray[Any, np.dtype[np.float64]]
DAY, YEAR, SHORTEST = 86_400e6, 365.25, 60.0  # microseconds; days; days of a season at least
FEWEST, MOST = 90, 15_000  # rows with a time; that are compared
_CLOCK = re.compile(
    r"(?i)(?:^|[\W_])(?:year|yr|month|mnth|quarter|season|week|day|date|hour|time|index|instant)(?:$|[\W_])"
)
_BIRTH = re.compile(r"(?i)birth|(?:^|[\W_])(?:dob|born)(?:$|[\W_])")


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeDrift:
    """Report columns that are different at the end of the time from what they were at its beginning.

    Compared are the earliest and the latest rows that are not test rows, by the time column (the column named for it,
    or else the first date that is no birthday): the same season of two years where the table spans more than one, else
    the first and the last third. A number must have changed along the whole way too (Spearman). Columns that are a
    clock themselves do not count.

    Cost: sorting by time, and tests on at most 15,000 rows.

    Args:
        target_effect: of the target, to be reached (see `Contrast`).
        effect: of a feature.
        trend: rank correlation of a number with time.
        level: of all tests together.
    """

    kind: ClassVar[str] = "time_drift"
    target_effect: float = 0.12
    effect: float = 0.2
    trend: float = 0.1
    level: float = 0.001

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look."""
        time = time_column(rows)
        if time is None:
            return ()
        ids = rows.seen
        ids = ids[np.sort(np.unique(rows.clusters.labels[ids], return_index=True)[1])]
        moments = _moments(rows.typed[time.name][ids])
        ids, moments = ids[np.isfinite(moments)], moments[np.isfinite(moments)]
        if len(ids) < FEWEST or len(np.unique(moments)) < 10:
            return ()
        if len(ids) > MOST:
            kept = np.sort(np.random.default_rng(rows.seed).permutation(len(ids))[:MOST])
            ids, moments = ids[kept], moments[kept]
        order = np.argsort(moments, kind="stable")
        found = self._drifts(rows, ids[order], time)
        return (self._finding(rows, found, ids[order], time),) if found else ()

    def _drifts(self, rows: Rows, ids: Ints, time: Column) -> list[Contrast]:
        names = [
            column.name
            for column in rows.table.columns
            if column.role in ("feature", "target") and column.kind not in ("datetime", "ignore")
            if column.name != time.name
        ]
        typed = rows.typed.select(names)[ids]
        days = rows.typed[time.name][ids]
        early, late, called = _ends(days)
        tested = contrasts(typed[:early], typed[late:], names=called)
        adjusted = holm([one.p_value for one in tested])
        clear = []
        for one, p in zip(tested, adjusted, strict=True):
            wanted = self.target_effect if one.column == rows.table.target else self.effect
            if p < self.level and one.effect >= wanted and self._steady(typed[one.column], days, one):
                clear.append(one)
        return strongest(clear)

    def _steady(self, values: pl.Series, days: pl.Series, one: Contrast) -> bool:
        if not values.dtype.is_numeric():
            return True
        numbers = values.cast(pl.Float64)
        if one.said.startswith("empty"):
            numbers = values.is_null().cast(pl.Float64)
        elif _clock(values, days):
            return False
        known = numbers.is_not_null().to_numpy()
        if known.sum() < FEWEST / 3:
            return False
        ranks = numbers.filter(pl.Series(known)).rank().to_numpy()
        place = np.flatnonzero(known)
        return bool(ranks.std() > 0 and abs(np.corrcoef(ranks, place)[0, 1]) >= self.trend)

    def _finding(self, rows: Rows, found: list[Contrast], ids: Ints, time: Column) -> Finding:
        target = [one for one in found if one.column == rows.table.target]
        others = [one for one in found if one.column != rows.table.target]
        ordered = [*target, *others]
        said = [f"{one.column!r}: {_in_years(rows, ids, time.name, one) or one.said}" for one in ordered[:4]]
        span = rows.typed[time.name][ids]
        between = f"{str(span[0])[:10]} to {str(span[-1])[:10]}"
        by_time = rows.split.how == "by_time"
        hint = (
            "The split is by time, so that the test shows what that costs."
            if by_time
            else f"A random split hides it: rows to come are not like these. With splits.time: {time.name} the latest "
            "rows become the test."
        )
        return Finding(
            kind=self.kind,
            severity="warning" if target and not by_time else "info",
            evidence=f"Along {time.name!r} ({between}) the data changes. {'; '.join(said)}"
            f"{'; and others' if len(ordered) > 4 else ''}. {hint}",
            columns=tuple(one.column for one in ordered),
            score=round(max(one.effect for one in ordered), 4),
        )


def _ends(days: pl.Series) -> tuple[int, int, tuple[str, str]]:
    """Where the early rows end and the late ones begin, and what they are called; `days` ascends.

    Whole years apart, so that a season is compared with itself, if either end has a tenth of the rows.
    """
    third = len(days) // 3
    ends = third, len(days) - third, ("the first third", "the last third")
    if not days.dtype.is_temporal():
        return ends
    moments = days.cast(pl.Datetime("us")).to_physical().to_numpy() / DAY
    span = float(moments[-1] - moments[0])
    for years in range(int(span / YEAR), 0, -1):
        width = min(span - years * YEAR, YEAR)
        early = int(np.searchsorted(moments, moments[0] + width, side="right"))
        late = int(np.searchsorted(moments, moments[0] + years * YEAR))
        if width >= SHORTEST and min(early, len(days) - late) >= len(days) / 10 and early <= late:
            later = f"the same days {years} year{'s' * (years > 1)} later"
            return early, late, (f"the first {width:.0f} days", later)
    return ends


def _in_years(rows: Rows, ids: Ints, time: str, one: Contrast) -> str:
    """The means of a number in the first and the last year that hold a tenth of the rows each; empty where none do."""
    values, moments = rows.typed[one.column][ids], rows.typed[time][ids]
    if not (values.dtype.is_numeric() and moments.dtype.is_temporal()) or one.said.startswith("empty"):
        return ""
    years = pl.DataFrame({"year": moments.dt.year(), "x": values}).group_by("year").agg(pl.col("x").mean(), n=pl.len())
    years = years.filter(pl.col("n") >= len(ids) / 10).sort("year")
    if years.height < 2:
        return ""
    (first, before, _), (last, after, _) = years.rows()[0], years.rows()[-1]
    return f"mean {before:,.4g} in {first}, {after:,.4g} in {last}"


def time_column(rows: Rows) -> Column | None:
    """The column with the role of time, or else the first date among the features that is no birthday."""
    named = [column for column in rows.table.columns if column.role == "time"]
    dated = [
        c for c in rows.table.columns if c.role == "feature" and c.kind == "datetime" and not _BIRTH.search(c.name)
    ]
    return next(iter((*named, *dated)), None)


def _moments(values: pl.Series) -> Floats:
    plain = values.to_physical() if values.dtype.is_temporal() else values
    return plain.cast(pl.Float64).fill_null(float("nan")).to_numpy()


def _clock(values: pl.Series, days: pl.Series) -> bool:
    """Whether a number goes with time by its nature: by name, one value per day, or hardly any other order."""
    if _CLOCK.search(values.name):
        return True
    place = np.arange(len(values))
    known = values.is_not_null().to_numpy()
    ranks = values.filter(pl.Series(known)).rank().to_numpy()
    if len(ranks) > 2 and ranks.std() > 0 and abs(np.corrcoef(ranks, place[known])[0, 1]) >= 0.95:
        return True
    if not days.dtype.is_temporal():
        return False
    per_day = pl.DataFrame({"day": days.dt.date(), "x": values}).group_by("day").agg(pl.col("x").n_unique(), n=pl.len())
    several = per_day.filter(pl.col("n") >= 3)
    return several.height >= 10 and bool((several["x"] == 1).mean() >= 0.95)  # type: ignore[operator]
