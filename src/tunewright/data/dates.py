"""Dates and times as people write them; which number is the day is decided over the whole column, once."""

from __future__ import annotations

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
    text = pl.col("x").str.strip_chars().str.replace(_WEEKDAY, "")
    clock = text.str.extract(_TAIL, 1)
    zone = text.str.extract(_TAIL, 2)
    day = text.str.replace(_TAIL, "").str.strip_chars()
    epoch = pl.when((day == "") & clock.is_not_null()).then(pl.date(1970, 1, 1))
    date = epoch if form == TIME_ONLY else _in_range(_date(day, form), form)
    moment = date.cast(pl.Datetime("us")) + _since_midnight(clock) - _offset(zone)
    return values.rename("x").to_frame().select(moment.alias(values.name)).to_series()


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
    hopeful = [form for form in (*FORMATS, TIME_ONLY) if _share(parse_dates(sample, form).is_not_null()) >= 0.5]
    read = {form: parse_dates(present, form) for form in hopeful}
    counts = {form: len(dates) - dates.null_count() for form, dates in read.items()}
    best = max(counts.values(), default=0)
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
