"""Cells of a column that are not written as most of it: numbers with a unit, the other decimal sign, other dates.

How they are read is decided once, over a whole column, and kept in `Column.also`: later rows are read the same way.
Only what can mean one thing is read: not two units, nor a day and a month that could be either way.
"""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from tunewright.data.date_forms import ORDERS, date_forms
from tunewright.data.dates import TIME_ONLY, parse_dates
from tunewright.data.number_forms import Forms, are_quantities, number_forms
from tunewright.data.numbers import Decimal, decimal_sign, is_missing, parse_number, parse_numbers
from tunewright.records import Column

ABOUT = frozenset({"~#", "≈#", "ca.#", "approx.#", "about#", "circa#"})
TRIPLE = ",###"  # in `also`: a comma before three digits is the decimal sign, too
DIGITS = 0.5  # share of a column's cells with a digit below which it holds neither numbers nor dates
TRUTHS = {"true": True, "yes": True, "y": True, "t": True, "1": True}
TRUTHS |= {"false": False, "no": False, "n": False, "f": False, "0": False}
SAMPLE = 5_000  # cells that tell whether a column may hold dates
FEWEST = 3  # dates that make a column one


def with_other_ways(values: pl.Series, column: Column) -> Column:
    """The column with `also`; what only its mixed writing kept from being numbers or dates becomes one of these.

    Args:
        values: the column as read; only text is looked at. Linear.
        column: as inferred.

    >>> column = Column(name="x", kind="category", role="feature", why="few values")
    >>> cells = pl.Series("x", [f"{n}" for n in range(20)] + ["7 kg"])
    >>> (found := with_other_ways(cells, column)).kind, found.also
    ('number', ('#kg',))
    """
    if values.dtype != pl.String or column.why.startswith("given") or not values.count():
        return column
    if column.kind == "number":
        forms = number_forms(values)
        return replace(column, also=_number_ways(values, forms, _sign(column)))
    if column.kind == "datetime":
        return replace(column, also=_date_ways(values, column.format or ""))
    if column.kind in ("category", "text", "id") and column.role in ("feature", "ignore"):
        return _hidden(values, column)
    return column


def read_numbers(values: pl.Series, column: Column) -> pl.Series:
    """The cells of a number column as Float64, those of its other ways included; each is read on its own.

    >>> column = Column(name="x", kind="number", role="feature", why="", also=(",", "#kg"))
    >>> read_numbers(pl.Series("x", ["1.5", "2,5", "3 kg", "4 lb"]), column).to_list()
    [1.5, 2.5, 3.0, None]
    """
    read = parse_numbers(values, decimal=_sign(column))
    if not column.also or values.dtype != pl.String:
        return read
    if TRIPLE in column.also:
        triple = values.str.strip_chars().str.contains(r"^[-+]?[0-9]{1,3},[0-9]{3}$").fill_null(False)
        read = read.set(triple, None)
        commas = parse_numbers(values.set(~triple, None), decimal=",")
        read = pl.select(pl.coalesce(read, commas)).to_series().rename(values.name)
    left = values.set(read.is_not_null(), None)
    if left.null_count() == len(left):
        return read
    forms = number_forms(left)
    known = (forms.way == "#") | forms.way.is_in([way for way in column.also if "#" in way])
    bodies = forms.body.set(~known.fill_null(False), None)
    ways: list[Decimal] = [_sign(column), *(sign for sign in _SIGNS if sign in column.also)]
    for sign in ways:
        read = pl.select(pl.coalesce(read, parse_numbers(bodies, decimal=sign))).to_series().rename(values.name)
    return read


def read_dates(values: pl.Series, column: Column) -> pl.Series:
    """The cells of a date column as Datetime[us], those in its other formats included; each is read on its own."""
    read = parse_dates(values, column.format or "%Y-%m-%d")
    for form in column.also if values.dtype == pl.String else ():
        left = values.set(read.is_not_null(), None)
        read = pl.select(pl.coalesce(read, parse_dates(left, form))).to_series().rename(values.name)
    return read


_SIGNS: tuple[Decimal, ...] = (",", ".")


def _sign(column: Column) -> Decimal:
    return "," if column.format == "," else "."


def _hidden(values: pl.Series, column: Column) -> Column:
    """A column of words that is one of truths, numbers or dates in several ways, and of nothing else."""
    present = values.set(is_missing(values), None)
    words = present.drop_nulls().head(1000).str.strip_chars().str.to_lowercase().unique()
    if 1 < len(words) <= len(TRUTHS) and set(present.drop_nulls().str.strip_chars().str.to_lowercase()) <= set(TRUTHS):
        if {TRUTHS[word] for word in words} == {True, False} and column.role == "feature":
            return replace(column, kind="boolean", why="its words mean true and false")
        return column
    if not present.count() or float(present.drop_nulls().head(1000).str.contains("[0-9]").mean() or 0.0) < DIGITS:  # type: ignore[arg-type]
        return column
    forms = number_forms(values)
    if are_quantities(values, forms):
        sign = decimal_sign(present.drop_nulls())
        read = replace(column, kind="number", format="," if sign == "," else None, also=())
        read = replace(read, also=_number_ways(values, forms, sign))
        numbers = read_numbers(values, read)
        if read.also and numbers.count() >= present.count():
            told = f"{numbers.n_unique()} distinct numbers in {numbers.count()} values, written in several ways"
            return replace(read, role="feature", why=told)
        return column
    sample = present.drop_nulls()
    if date_forms(sample.gather_every(max(len(sample) // SAMPLE, 1))) is None:
        return column
    written = date_forms(sample)
    counts = [] if written is None else _counted(written.drop_nulls())
    if len(counts) < 2 or counts[0][1] < FEWEST:
        return column
    form = counts[0][0]
    read = replace(column, kind="datetime", role="feature", format=form, also=_date_ways(values, form))
    if not read.also or read_dates(present, read).count() < present.count():
        return column
    return replace(read, why=f"dates written {form}, some of them {' or '.join(read.also)}")


def _number_ways(values: pl.Series, forms: Forms, sign: Decimal) -> tuple[str, ...]:
    """The other decimal sign where it can be nothing else; words for "about"; one unit, if there is only one."""
    found: list[str] = []
    other: Decimal = "." if sign == "," else ","
    marked = forms.comma if other == "," else forms.point
    if marked.any():
        found.append(other)
        if other == "," and _triples_are_decimals(values, forms):
            found.append(TRIPLE)
    unread = _unread_ways(values, forms, sign)
    units = [way for way in unread if way not in ABOUT]
    if all(way.startswith("#") or way.endswith("#") for way in units) and len(units) <= 1:
        found += sorted(unread)
    return tuple(found)


def _unread_ways(values: pl.Series, forms: Forms, sign: Decimal) -> list[str]:
    """Ways with something beside the number that no reading of numbers understands by itself."""
    frame = pl.DataFrame({"cell": values, "way": forms.way}).filter(~pl.col("way").is_in(["", "#"]))
    first = frame.unique("way", keep="first", maintain_order=True)
    return [way for cell, way in first.rows() if parse_number(cell, decimal=sign) is None]


def _triples_are_decimals(values: pl.Series, forms: Forms) -> bool:
    """Whether "2,137" is 2.137 among numbers such as these: it lies among them only with a decimal comma."""
    plain = parse_numbers(values.set(~forms.point, None), decimal=".").drop_nulls()
    triples = values.filter(values.str.strip_chars().str.contains(r"^[0-9]{1,3},[0-9]{3}$").fill_null(False))
    if not len(plain) or not len(triples):
        return False
    thousands = parse_numbers(triples, decimal=".")
    low, high = plain.min(), plain.max()
    inside = (thousands / 1000).is_between(low, high) & ~thousands.is_between(low, high)
    return bool(inside.all())


def _date_ways(values: pl.Series, form: str) -> tuple[str, ...]:
    """Formats of the dates that the main one does not read, the commonest first; none that could be either way."""
    if form == TIME_ONLY:
        return ()
    left = values.filter(parse_dates(values, form).is_null() & ~is_missing(values))
    written = date_forms(left) if len(left) else None
    if written is None:
        return ()
    swapped = {one: other for pair in ORDERS for one, other in (pair, pair[::-1])}
    found: list[str] = []
    for other, _ in _counted(written.drop_nulls()):
        # Beside its own twin, a date of the other order is read by what it can be; alone, nothing tells them apart.
        if swapped.get(other) in (form, *found):
            continue
        twin = swapped.get(other)
        if twin is not None:
            read, exchanged = parse_dates(left, other).is_not_null(), parse_dates(left, twin).is_not_null()
            if not (read & ~exchanged).any() or (exchanged & ~read).any():
                continue
        found.append(other)
    return tuple(found)


def _counted(values: pl.Series) -> list[tuple[str, int]]:
    counts = values.value_counts(name="\0rows").rows()
    return sorted(((str(value), int(n)) for value, n in counts), key=lambda pair: (-pair[1], pair[0]))


__all__ = ["read_dates", "read_numbers", "with_other_ways"]
