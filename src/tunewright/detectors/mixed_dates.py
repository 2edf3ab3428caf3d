"""Dates written in several ways within a column."""

from __future__ import annotations

import numpy as np
import polars as pl

from tunewright.data.date_forms import ORDERS, are_short_months, date_forms
from tunewright.data.dates import TIME_ONLY, parse_dates
from tunewright.data.numbers import is_missing
from tunewright.detectors.cells import quote
from tunewright.detectors.mixing import SHOWN, Cells, Mix, read_as, ways_of

SAMPLE = 5_000  # cells that tell whether a column may hold dates


def dates(cells: Cells) -> Mix | None:
    """Dates of a date column in another format than most; day and month that could be either way."""
    form = cells.column.format or ""
    assert cells.typed is not None
    unread = cells.typed.is_null() & ~is_missing(cells.text)
    if form == TIME_ONLY:
        return None
    if unread.any():
        others = date_forms(cells.text.filter(unread))
        if others is not None and others.count():
            told = f"writes dates as {form} but for {len(others)} cells, which count as empty: "
            told += _counts(others)
            return Mix(marks=unread, told=told, severity="warning")
    if cells.column.also:
        other_way = parse_dates(cells.text, form).is_null() & cells.typed.is_not_null()
        told = f"writes dates as {form} but for {int(other_way.sum())} cells: "
        told += f"{_counts(date_forms(cells.text.filter(other_way)))}; all are read as dates"
        return Mix(marks=other_way, told=told, severity="info", remedy="parse_dates")
    if "either way" in cells.column.why:
        told = f"holds dates in which day and month could be either way in every row; they are read as {form}"
        return Mix(marks=unread & False, told=told, severity="info")
    other = next((month for day, month in ORDERS if day == form), None)
    either = parse_dates(cells.text, other).is_not_null() if other else unread & False
    if not either.any():
        return None
    rest = int((cells.typed.is_not_null() & ~either).sum())
    told = f"writes the day before the month ({form}): {rest} cells can be nothing else, {int(either.sum())} could by "
    return Mix(marks=unread & False, told=told + "themselves be read month first", severity="info")


def hidden_dates(cells: Cells) -> Mix | None:
    """Dates in so many formats that the column is not read as one of dates."""
    present = ~is_missing(cells.text)
    seen = cells.text.filter(cells.seen & present)
    seen = seen.gather_every(max(len(seen) // SAMPLE, 1))
    if len(seen) and are_short_months(seen):
        example = quote(seen[0])
        told = f"writes months with two-digit years (as in {example}), which leaves the century open; it is read as "
        return Mix(marks=present & False, told=told + read_as(cells.column), severity="info")
    if date_forms(seen) is None:
        return None
    forms = date_forms(cells.text.filter(present))
    counted = ways_of(forms.drop_nulls()) if forms is not None else []
    if len(counted) < 2 or forms is None:
        return None
    others = np.flatnonzero(present.to_numpy())[(forms != counted[0][0]).fill_null(True).to_numpy()]
    marks = pl.Series(np.isin(np.arange(len(present)), others))
    named = ", ".join(f"{n} as {form}" for form, n in counted[:SHOWN])
    told = f"writes dates in {len(counted)} ways ({named}) and is therefore read as {read_as(cells.column)}"
    return Mix(marks=marks, told=told, severity="warning")


def _counts(forms: pl.Series | None) -> str:
    written = [] if forms is None else ways_of(forms.drop_nulls())
    return ", ".join(f"{n} as {form}" for form, n in written) or "in other ways"
