"""What reading and preparing put right in every row, by the same rules at predict time: listed, not tried.

None of it changes what a cell means. The rules are fixed by the train and validation rows and travel in the bundle: in
`Column` (formats, spellings, words for "nothing here"), in the text cleaner, and in the fitted features.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tunewright.data.mojibake import PATTERN
from tunewright.data.number_forms import PLAIN
from tunewright.data.numbers import is_missing
from tunewright.data.tasks import split_labels
from tunewright.features.options import PreprocessOptions
from tunewright.features.text import FORMS, TextCleaner
from tunewright.records import Column, Repair, Table, to_json

Ints = np.ndarray[Any, np.dtype[np.int64]]
REPAIRS = ("parse_numbers", "parse_dates", "unify_spellings", "parse_missing", "normalise_text", "impute")
WIDTH = 40
_CONTROL = r"\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F"
_UNSEEN = r"\x{AD}\x{180E}\x{200B}-\x{200D}\x{2060}\x{FEFF}"
# Where cleaning may change more than blanks, beside misread text: markup, control and unseen characters.
_UNCLEAN = rf"<[a-zA-Z/!]|&[a-zA-Z#]|[{_CONTROL}{_UNSEEN}]"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reading:
    """What was read, and as what.

    Args:
        raw: (n,) cells as the file has them.
        typed: (n,) the same, cast.
        column: what the table says of the column.
        task: of the table; says how a target's cells are read.
    """

    raw: pl.Series
    typed: pl.Series
    column: Column
    task: str


def list_repairs(
    raw: pl.DataFrame, typed: pl.DataFrame, *, table: Table, preprocess: PreprocessOptions, used: Ints
) -> tuple[Repair, ...]:
    """Say what was put right, column by column in table order, in the order of `REPAIRS` within a column.

    Args:
        raw: all rows as read.
        typed: the same rows, cast.
        table: how they were cast.
        preprocess: how cells become features.
        used: ids of the rows that are in a part; others are not counted. Linear in cells.
    """
    found: list[Repair] = []
    for column in table.columns:
        if column.role == "ignore" or column.name not in typed.columns:
            continue
        cells = typed.get_column(column.name)[used]
        if column.name in raw.columns and raw.schema[column.name] == pl.String:
            read = Reading(raw=raw.get_column(column.name)[used], typed=cells, column=column, task=table.task)
            found += [*_numbers(read), *_dates(read), *_spellings(read), *_nothing(read)]
        if column.role == "feature" and column.kind == "text":
            found += _texts(column, cells, TextCleaner(**to_json(preprocess.text)))
        if column.role == "feature" and column.kind != "text":
            found += _gaps(column, cells, preprocess)
    return tuple(found)


def _numbers(read: Reading) -> Iterator[Repair]:
    if read.column.kind != "number":
        return
    plain = read.raw.str.strip_chars().str.contains(PLAIN)
    yield from _repair("parse_numbers", read, read.typed.is_not_null() & ~plain, "read as numbers")


def _dates(read: Reading) -> Iterator[Repair]:
    if read.column.kind == "datetime" and read.column.also:
        from tunewright.data.dates import parse_dates

        usual = parse_dates(read.raw, read.column.format or "%Y-%m-%d").is_not_null()
        told = f"read as dates, though not written {read.column.format}"
        yield from _repair("parse_dates", read, read.typed.is_not_null() & ~usual, told)


def _spellings(read: Reading) -> Iterator[Repair]:
    if read.column.kind == "boolean":
        cells = read.raw.str.strip_chars().rename("x")  # "n" may be what the user calls the column
        counts = cells.drop_nulls().value_counts(name="n").sort("n", "x", descending=True)
        marks = read.typed.is_not_null() & ~cells.is_in(counts["x"].head(2).to_list())
        yield from _repair("unify_spellings", read, marks, "read as the truth that they name")
        return
    if not read.column.spellings:
        return
    what = "labels" if read.column.role == "target" else "values"
    if read.typed.dtype == pl.List:
        before = split_labels(read.raw, delimiter=read.column.format)
        marks = (before.list.sort() != read.typed.list.sort()).fill_null(False)
    else:
        blank = read.raw.str.strip_chars() if read.column.role == "target" else read.raw
        marks = (blank != read.typed).fill_null(False) & blank.str.replace(r"^([+-]?\d+)\.0+$", "${1}").ne(read.typed)
    yield from _repair("unify_spellings", read, marks, f"read as the usual spelling of {what}")


def _nothing(read: Reading) -> Iterator[Repair]:
    """Words for "nothing here": null in columns of numbers and dates, prepared as missing among values."""
    blank = (read.raw.str.strip_chars() == "").fill_null(True)
    if read.column.kind in ("number", "datetime", "boolean") and read.column.role == "feature":
        marks = read.typed.is_null() & ~blank & is_missing(read.raw)
    else:
        marks = read.typed.is_in(list(read.column.empty)) if read.column.empty else blank & False
    yield from _repair("parse_missing", read, marks.fill_null(False), "taken as empty cells", shown="")


def _texts(column: Column, texts: pl.Series, cleaner: TextCleaner) -> Iterator[Repair]:
    wide = texts.filter(texts.str.contains(r"[^\x00-\x7F]").fill_null(False))
    misread = wide.filter(wide.str.contains(PATTERN) & ~wide.str.contains(_UNCLEAN))
    suspect = [*texts.filter(texts.str.contains(_UNCLEAN).fill_null(False)), *misread]
    cells = sum(cleaner(text) != _squeezed(text, cleaner) for text in suspect)
    if cells:
        told = "cleaned of markup, control characters, unseen characters and wrong encoding"
        yield Repair(remedy="normalise_text", column=column.name, cells=cells, what=told)


def _squeezed(text: str, cleaner: TextCleaner) -> str:
    """A text of which only blanks and the form of its characters are made alike."""
    form = FORMS.get(cleaner.unicode)
    return " ".join((unicodedata.normalize(form, text) if form else text).split())


def _gaps(column: Column, values: pl.Series, preprocess: PreprocessOptions) -> Iterator[Repair]:
    """Empty cells, and those that stand for one."""
    marks = values.is_null()
    if column.empty and column.kind == "category":
        marks |= values.is_in(list(column.empty)).fill_null(False)
    if not marks.any():
        return
    told = "taken as a value of their own"
    if column.kind == "number":
        told = "filled with the median of the train rows"
        told += "" if preprocess.missing == "impute" else ", and a feature says that they were empty"
    elif column.kind == "datetime":
        told = "filled with the mean of the train rows, and a feature says that they were empty"
    yield Repair(remedy="impute", column=column.name, cells=int(marks.sum()), what=told)


def _repair(remedy: str, read: Reading, marks: pl.Series, what: str, *, shown: str | None = None) -> Iterator[Repair]:
    if not marks.any():
        return
    at = int(marks.fill_null(False).arg_max() or 0)
    now = read.typed[at]
    said = "|".join(now) if isinstance(now, list | pl.Series) else f"{now:.10g}" if isinstance(now, float) else str(now)
    yield Repair(
        remedy=remedy,
        column=read.column.name,
        cells=int(marks.sum()),
        what=what,
        example=(_cut(str(read.raw[at])), _cut(said) if shown is None else shown),
    )


def _cut(cell: str) -> str:
    return cell if len(cell) <= WIDTH else f"{cell[: WIDTH - 1]}…"
