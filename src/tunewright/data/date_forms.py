"""In which ways a column of text writes its dates."""

from __future__ import annotations

import polars as pl

from tunewright.data.dates import FORMATS, DateCells

SAMPLE = 1000
ENOUGH = 0.9  # share of the cells that must be dates, in whatever form
_MONTHS = r"(?i)^(?:jan|feb|mar|apr|may|jun|jul|aug|sep|sept|oct|nov|dec)[a-z]*[-/ .']*\d{2}$"
_DIGITS = r"^(?:19|20)\d{6}$|\d[-/. ]\d|\d[-/. ]\p{L}|\p{L}[-/. ]+\d"
EVERY = (*FORMATS, "%Y.%m.%d", "%Y%m%d", "%d. %B %Y", "%d. %b %Y", "%b %d %Y", "%B %d %Y", "%d-%B-%Y", "%Y-%b-%d")
ORDERS = (("%d-%m-%Y", "%m-%d-%Y"), ("%d/%m/%Y", "%m/%d/%Y"), ("%d/%m/%y", "%m/%d/%y"), ("%d-%m-%y", "%m-%d-%y"))


def date_forms(cells: pl.Series) -> pl.Series | None:
    """Give each cell the format it is written in, the commonest that reads it; null where none does.

    Args:
        cells: (n,) text, without the words for "missing". Linear in n for each of the formats of a sample.

    Returns:
        Formats, those of `data.dates` and a few more; None where fewer than nine in ten cells of a sample are dates.

    >>> date_forms(pl.Series(["2011-02-13", "2011-03-01", "14/02/2011"])).to_list()
    ['%Y-%m-%d', '%Y-%m-%d', '%d/%m/%Y']
    """
    sample = cells.unique().sort()
    sample = sample.gather_every(max(len(sample) // SAMPLE, 1))
    if not len(sample) or float(sample.str.contains(_DIGITS).mean() or 0.0) < ENOUGH:  # type: ignore[arg-type]
        return None
    apart = DateCells.of(sample)
    read = {form: apart.read(form).is_not_null() for form in EVERY}
    if int(pl.DataFrame(read).select(pl.any_horizontal(pl.all()).sum()).item()) < ENOUGH * len(sample):
        return None
    order = sorted((form for form in EVERY if read[form].any()), key=lambda form: -int(read[form].sum()))
    apart = DateCells.of(cells)
    marks = [pl.when(apart.read(form).is_not_null()).then(pl.lit(form)) for form in order]
    return pl.select(pl.coalesce(marks)).to_series()


def are_short_months(cells: pl.Series) -> bool:
    """Tell months with two-digit years ("Aug-62"), which no date format reads.

    >>> are_short_months(pl.Series(["Aug-62", "May-41"])), are_short_months(pl.Series(["Aug-62", "x"]))
    (True, False)
    """
    sample = cells.unique()
    return bool(len(sample)) and float(sample.str.contains(_MONTHS).mean() or 0.0) >= ENOUGH  # type: ignore[arg-type]
