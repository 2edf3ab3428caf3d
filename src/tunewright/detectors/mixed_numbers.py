"""Numbers written in several ways within a column."""

from __future__ import annotations

import polars as pl

from tunewright.data.disguised import MAYBE, NOTHING
from tunewright.data.number_forms import MONEY, Forms, are_quantities, number_forms
from tunewright.data.numbers import is_missing, parse_numbers
from tunewright.data.other_ways import TRIPLE
from tunewright.detectors.cells import quote, some
from tunewright.detectors.mixing import Cells, Mix, counted, listed, read_as, ways_of


def numbers(cells: Cells) -> Mix | None:
    """Numbers of a number column that are written in several ways, or that do not read as numbers."""
    assert cells.typed is not None
    forms = number_forms(cells.text)
    decimals = _decimals(cells, forms, cells.typed)
    if decimals is not None:
        return decimals
    way, unread = forms.way, cells.typed.is_null() & forms.way.is_not_null()
    words = unread & (way == "") & ~cells.text.str.strip_chars().str.to_lowercase().is_in(sorted(NOTHING | MAYBE))
    lost = unread & (way != "")
    ways = _ways(forms)
    grouped = forms.grouped.any() and forms.ungrouped.any()
    several = sum(n > 1 for _, n in ways) > 1
    if not several and not grouped and int(words.sum()) < 2 and not lost.any() and not cells.column.also:
        return None
    main = _main(cells, way)
    marks = (way != main) & way.is_not_null() & (words | (way != ""))
    if len(ways) < 2 and grouped:
        marks |= forms.grouped if forms.grouped.sum() < forms.ungrouped.sum() else forms.ungrouped
    ways = [pair for pair in ways if pair[1] > 1 or lost.any()] or ways
    told = "holds numbers with and without signs between thousands" if grouped else "holds numbers"
    if len(ways) > 1:
        told = f"writes its numbers in {len(ways)} ways: {_examples(cells, way, ways)}"
    told += f"; {_words(cells, words)}" if words.any() else ""
    told += f"; {counted(lost, 'cell')} of these do not read as a number and count as empty" if lost.any() else ""
    told += _meaning(ways)
    told += "" if unread.any() else "; all are read as numbers"
    remedy = None if lost.any() or (len(ways) < 2 and not grouped) else "parse_numbers"
    return Mix(marks=marks, told=told, severity="warning" if lost.any() or _meaning(ways) else "info", remedy=remedy)


def hidden_numbers(cells: Cells) -> Mix | None:
    """Numbers with units or words among them, which make a number column a category."""
    present = cells.text.filter(cells.seen & ~is_missing(cells.text))
    if float(present.head(1000).str.contains("[0-9]").mean() or 0.0) < 0.5:  # type: ignore[arg-type]
        return None
    seen = cells.text.filter(cells.seen)
    if not are_quantities(seen, number_forms(seen)):
        return None
    forms = number_forms(cells.text)
    what = f"looks like a column of numbers but is read as {read_as(cells.column)}, because "
    decimals = _decimals(cells, forms, parse_numbers(cells.text, decimal="."))
    if decimals is not None:
        return Mix(marks=decimals.marks, told=f"{what}it {decimals.told}", severity="warning")
    words = (forms.way == "") & ~cells.text.str.strip_chars().str.to_lowercase().is_in(sorted(NOTHING | MAYBE))
    ways = _ways(forms)
    marks = (forms.way != _main(cells, forms.way)) & (words | (forms.way != ""))
    told = f"it writes them in {len(ways)} ways: {_examples(cells, forms.way, ways)}" if len(ways) > 1 else ""
    told += "; " if told and words.any() else ""
    told += _words(cells, words) if words.any() else ""
    return Mix(marks=marks, told=what + told, severity="warning") if told else None


def _decimals(cells: Cells, forms: Forms, values: pl.Series) -> Mix | None:
    """Decimal commas among decimal points, or the reverse: the fewer are misread."""
    comma, point = forms.comma, forms.point
    if not (comma.any() and point.any()):
        return None
    plain = values.filter(point)
    low, high = plain.min(), plain.max()
    doubtful = cells.text.str.strip_chars().str.contains(r"^[0-9]{1,3},[0-9]{3}$") & (point.sum() > comma.sum())
    thousands = parse_numbers(cells.text.set(~doubtful, None), decimal=".")
    inside = (thousands / 1000).is_between(low, high) & ~thousands.is_between(low, high)
    inside = (doubtful & inside).fill_null(False)
    comma = comma | inside
    fewer, more, sign, other = point, comma, "point", "comma"
    if comma.sum() < point.sum():
        fewer, more, sign, other = comma, point, "comma", "point"
    told = f"marks decimals by a {sign} in {counted(fewer, 'cell')} (as in {quote(cells.text.filter(fewer)[0])}) "
    told += f"and by a {other} in {int(more.sum())}: "
    also = cells.column.also
    if ("," in also or "." in also) and (TRIPLE in also or not inside.any()):
        return Mix(marks=fewer, told=f"{told}both are read as numbers", severity="info", remedy="parse_numbers")
    return Mix(marks=fewer, told=f"{told}the former are misread or count as empty", severity="warning")


def _ways(forms: Forms) -> list[tuple[str, int]]:
    return ways_of(forms.way.drop_nulls().filter(forms.way.drop_nulls() != ""))


def _main(cells: Cells, way: pl.Series) -> str:
    seen = way.filter(cells.seen & way.is_not_null() & (way != ""))
    counted = ways_of(seen)
    return counted[0][0] if counted else "#"


def _examples(cells: Cells, way: pl.Series, ways: list[tuple[str, int]]) -> str:
    return listed(f"{n} like {quote(cells.text.filter((way == form).fill_null(False))[0])}" for form, n in ways)


def _words(cells: Cells, words: pl.Series) -> str:
    kinds = cells.text.filter(words).value_counts(name="\0rows").rows()
    return f"{counted(words, 'cell')} without a number: {some(kinds)}"


def _meaning(ways: list[tuple[str, int]]) -> str:
    """What goes wrong although every cell reads as a number."""
    money = {sign for form, _ in ways for sign in MONEY if sign in form}
    if len(money) > 1:
        return f"; amounts in {len(money)} currencies are read as one"
    if len(ways) > 1 and any("%" in form for form, _ in ways):
        return "; per cent signs are dropped, so that 12 % is read as 12"
    return ""
