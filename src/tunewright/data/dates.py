"""Dates and times as people write them; which number is the day is decided over the whole column, once."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

TIME_ONLY = "%H:%M"
FORMATS = (
    "%Y-%m-%d",
    "%Y/%m/%d",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%d.%m.%Y",
    "%m/%d/%y",
    "%d/%m/%y",
    "%d.%m.%y",
    "%d-%m-%y",
    "%m-%d-%y",
    "%d-%b-%y",
    "%d-%b-%Y",
    "%d %b %Y",
    "%d %B %Y",
    "%b %d, %Y",
    "%B %d, %Y",
)
SHARE = 0.95  # of the values must be dates
PIVOT = 2050  # a two-digit year means one before this
_TIME = r"(\d{1,2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?\s*(?:[AaPp][Mm])?)"
_WEEKDAY = r"(?i)^(?:mon|tue(?:s)?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?[.,]?\s+"
_ZONE = r"(Z|UTC|[+-]\d{2}:?\d{2})"
_TAIL = rf"(?:^|[T ]|,\s)\s*{_TIME}\s*{_ZONE}?$"


def parse_dates(values: pl.Series, form: str) -> pl.Series:
    """Read a column of dates, each with or without a time of day, as Datetime[us] without zone (UTC if one is given).

    A weekday before a date is passed over.

    Args:
        values: text, dates or date-times.
        form: how the date part is written, one of `FORMATS`, or "%H:%M" for times of day alone (on 1970-01-01).

    Returns:
        Date-times; null where the text is not of that form. Each row is read on its own.

    >>> parse_dates(pl.Series(["13-02-2011 07:30", "2011"]), "%d-%m-%Y").to_list()
    [datetime.datetime(2011, 2, 13, 7, 30), None]
    >>> parse_dates(pl.Series(["Monday, 14 Feb 2011"]), "%d %b %Y").to_list()
    [datetime.datetime(2011, 2, 14, 0, 0)]
    """
    if values.dtype != pl.String:
        return values.cast(pl.Datetime("us"), strict=False)
    return DateCells.of(values).read(form)


@dataclass(frozen=True, slots=True)
class DateCells:
    """Cells of a column of text, each taken apart once, to be read in any number of formats.

    Args:
        day: (n,) what is left of the text without weekday, time of day and zone.
        after: (n,) what the time of day and the zone add, a duration; null for a time that does not exist. None where
            no cell has either.
        times: (n,) whether there is a time of day and nothing else.
    """

    day: pl.Series
    after: pl.Series | None
    times: pl.Series

    @staticmethod
    def of(values: pl.Series) -> DateCells:
        """Take text apart."""
        text = pl.col("x").str.strip_chars().str.replace(_WEEKDAY, "")
        frame = values.rename("x").to_frame().select(text)
        parts = frame.select(
            day=pl.col("x").str.replace(_TAIL, "").str.strip_chars(),
            clock=pl.col("x").str.extract(_TAIL, 1),
            zone=pl.col("x").str.extract(_TAIL, 2),
        )
        clocked = parts["clock"].is_not_null()
        after = None
        if clocked.any():
            after = parts.select(_since_midnight(pl.col("clock")) - _offset(pl.col("zone"))).to_series()
        return DateCells(parts["day"].rename(values.name), after, (parts["day"] == "") & clocked)

    def read(self, form: str) -> pl.Series:
        """(n,) the cells as Datetime[us], as `parse_dates` gives them."""
        if form == TIME_ONLY:
            date = pl.select(pl.when(self.times).then(pl.date(1970, 1, 1))).to_series()
        else:
            date = self.day.to_frame("x").select(_in_range(_date(pl.col("x"), form), form)).to_series()
        moment = date.cast(pl.Datetime("us"))
        return (moment if self.after is None else moment + self.after).alias(self.day.name)


def date_format(values: pl.Series) -> tuple[str, str] | None:
    """Decide how a column of text writes dates.

    Args:
        values: text without the words for "missing".

    Returns:
        The format and a sentence part on how it was decided; None where fewer than 95 % of the values are dates. Where
        day and month could be either way in every row, the order that keeps the rows sorted wins, then the usual one.

    >>> date_format(pl.Series(["07-01-2011", "25-01-2011"]))
    ('%d-%m-%Y', 'dates written %d-%m-%Y')
    """
    present = values.drop_nulls()
    sample = present.unique().sort()
    sample = sample.gather_every(max(len(sample) // 1000, 1))
    if not len(sample) or _share(sample.str.contains(r"\d[-/.: ]|\d,")) < SHARE:
        return None
    cells = DateCells.of(sample)
    hopeful = [form for form in (*FORMATS, TIME_ONLY) if _share(cells.read(form).is_not_null()) >= 0.5]
    if not hopeful:
        return None
    cells = DateCells.of(present)
    read = {form: cells.read(form) for form in hopeful}
    counts = {form: len(dates) - dates.null_count() for form, dates in read.items()}
    best = max(counts.values())
    if best < SHARE * len(present):
        return None
    equal = [form for form in hopeful if counts[form] == best]
    ordered = [form for form in equal if read[form].drop_nulls().is_sorted()]
    form = (ordered or equal)[0]
    if len(equal) == 1 or all(read[other].equals(read[form]) for other in equal):
        return form, f"dates written {form}"
    reason = "the order that keeps the rows sorted" if ordered else "the usual order"
    return form, f"dates; day and month could be either way, read as {form}, {reason}"


def _share(marks: pl.Series) -> float:
    return int(marks.sum()) / len(marks)


def _date(day: pl.Expr, form: str) -> pl.Expr:
    if form.endswith("%y"):
        day = pl.when(day.str.contains(r"\D\d{2}$")).then(day)  # "1.2.3" is a version, not a day in 2003
    return day.str.to_date(form, strict=False)


def _in_range(date: pl.Expr, form: str) -> pl.Expr:
    if "%y" in form:
        return pl.when(date.dt.year() >= PIVOT).then(date.dt.offset_by("-100y")).otherwise(date)
    return pl.when(date.dt.year().is_between(1000, 9999)).then(date)


def _since_midnight(clock: pl.Expr) -> pl.Expr:
    """Microseconds since midnight; zero without a clock time, null for one that does not exist."""
    parts = clock.str.extract_groups(r"^(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d+)?))?\s*([AaPp])?")
    hour, minute = parts.struct.field("1").cast(pl.Int64), parts.struct.field("2").cast(pl.Int64)
    second = parts.struct.field("3").cast(pl.Float64).fill_null(0.0)
    half = parts.struct.field("4").str.to_lowercase()
    hour = (
        pl.when(half.is_null())
        .then(hour)
        .when(hour.is_between(1, 12))
        .then(hour % 12 + (half == "p").cast(pl.Int64) * 12)
    )
    valid = hour.is_between(0, 23) & minute.is_between(0, 59) & (second < 61)
    micros = (hour * 3600 + minute * 60) * 1_000_000 + (second * 1e6).round(0).cast(pl.Int64)
    return pl.when(clock.is_null()).then(pl.duration(microseconds=0)).when(valid).then(pl.duration(microseconds=micros))


def _offset(zone: pl.Expr) -> pl.Expr:
    parts = zone.str.extract_groups(r"^([+-])(\d{2}):?(\d{2})$")
    minutes = parts.struct.field("2").cast(pl.Int64) * 60 + parts.struct.field("3").cast(pl.Int64)
    signed = pl.when(parts.struct.field("1") == "-").then(-minutes).otherwise(minutes).fill_null(0)
    return pl.duration(minutes=signed)
