"""What is known of rows before any model speaks: their cells, measures of their texts, their place in vector space.

Shapes: n rows, D dimensions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from tunewright.data.expressions.operations import spaced_words
from tunewright.records import Table

Array = np.ndarray[Any, np.dtype[Any]]
MOST_CHARACTERS = 5_000  # of a text are looked at
DATE_PARTS = ("hour", "weekday", "month", "year")
PATTERNS = {
    "an e-mail address": r"[\w.+-]+@[\w-]+\.\w+",
    "a link": r"(?i)\bhttps?://|\bwww\.",
    "a number": r"\d",
    "a number of five or more digits": r"\d{5,}",
    "an amount of money": r"[$€£]\s?\d|\d\s?[$€£]",
    "letters beyond A to Z": r"[\p{L}--\p{ASCII}]",
}


@dataclass(frozen=True, slots=True)
class Fact:
    """What a number is of: a column itself, or a measure of its text or date.

    >>> str(Fact("message", "words")), Fact("my date", "hour").expression
    ("words in 'message'", '`my date`.hour')
    """

    column: str
    measure: str = ""

    def __str__(self) -> str:
        if self.measure in ("", *DATE_PARTS):
            return repr(self.column) + (f" {self.measure}" if self.measure else "")
        return f"{self.measure} in {self.column!r}"

    @property
    def expression(self) -> str | None:
        """The same in the language of conditions; None where that has no word for it."""
        if self.measure in ("", *DATE_PARTS):
            return quoted(self.column) + (f".{self.measure}" if self.measure else "")
        words = {"words": "words", "characters": "length"}
        return f"{words[self.measure]}({quoted(self.column)})" if self.measure in words else None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Facts:
    """What is known of n rows.

    Args:
        rows: n.
        numbers: (n,) float64 by fact, NaN where unknown.
        values: (n,) String series of category and boolean columns.
        texts: (n,) String series by text column, cut.
        spaced: (n,) the texts as lower-case words with a blank on either side of each.
        missing: (n,) masks of empty cells, by column.
        vectors: (n, D) of the texts, or None.
        marks: (n,) masks of rows that share something said of them elsewhere, by what is said.
    """

    rows: int
    numbers: Mapping[Fact, Array]
    values: Mapping[str, pl.Series]
    texts: Mapping[str, pl.Series]
    spaced: Mapping[str, pl.Series]
    missing: Mapping[str, Array]
    vectors: Array | None = None
    marks: Mapping[str, Array] = field(default_factory=dict)

    def take(self, rows: Array) -> Facts:
        """The same of some rows, by their places."""
        return Facts(
            rows=len(rows),
            numbers={fact: values[rows] for fact, values in self.numbers.items()},
            values={name: cells[rows] for name, cells in self.values.items()},
            texts={name: cells[rows] for name, cells in self.texts.items()},
            spaced={name: cells[rows] for name, cells in self.spaced.items()},
            missing={name: mask[rows] for name, mask in self.missing.items()},
            vectors=None if self.vectors is None else self.vectors[rows],
            marks={name: mask[rows] for name, mask in self.marks.items()},
        )


def facts_of(
    typed: pl.DataFrame, table: Table, *, vectors: Array | None = None, marks: Mapping[str, Array] | None = None
) -> Facts:
    """Gather them; cost n per column, and the length of the texts up to 5,000 characters each.

    Args:
        typed: n rows, cast as `table` says.
        table: columns, their kinds and roles; features and the column of time count.
        vectors: (n, D) of the texts, in which rows that resemble each other are near, or None.
        marks: (n,) masks of rows that something is known of, by what that is.
    """
    numbers: dict[Fact, Array] = {}
    values, texts, missing = dict[str, pl.Series](), dict[str, pl.Series](), dict[str, Array]()
    for column in table.columns:
        if column.role not in ("feature", "time") or column.name not in typed.columns:
            continue
        cells = typed[column.name]
        missing[column.name] = cells.is_null().to_numpy()
        if cells.dtype.is_numeric():
            numbers[Fact(column.name)] = _floats(cells)
        elif cells.dtype.is_temporal():
            numbers |= _date_parts(cells)
        elif column.kind == "text":
            texts[column.name] = cells.fill_null("").str.slice(0, MOST_CHARACTERS)
            numbers |= _text_measures(texts[column.name])
        else:
            values[column.name] = cells.cast(pl.String)
    return Facts(
        rows=typed.height,
        numbers=numbers,
        values=values,
        texts=texts,
        spaced={
            name: cells.to_frame("x").select(spaced_words(pl.col("x"))).to_series() for name, cells in texts.items()
        },
        missing=missing,
        vectors=vectors,
        marks=dict(marks or {}),
    )


def quoted(column: str) -> str:
    """A column's name as the language of conditions reads it, whatever it holds.

    >>> quoted("odd `name`")
    '`odd ``name```'
    """
    return "`" + column.replace("`", "``") + "`"


def _floats(cells: pl.Series) -> Array:
    values = cells.cast(pl.Float64).fill_null(np.nan).to_numpy()
    return np.where(np.isfinite(values), values, np.nan)


def _date_parts(cells: pl.Series) -> dict[Fact, Array]:
    # Monday is 0, as in the language of conditions.
    dates = cells.cast(pl.Datetime("us")).dt
    found = {"hour": dates.hour(), "weekday": dates.weekday() - 1, "month": dates.month(), "year": dates.year()}
    return {Fact(cells.name, part): _floats(found[part]) for part in DATE_PARTS}


def _text_measures(texts: pl.Series) -> dict[Fact, Array]:
    cells = texts.str
    length = np.maximum(cells.len_chars().to_numpy().astype(np.float64), 1)
    measures = {
        "words": cells.count_matches(r"\S+"),
        "characters": cells.len_chars(),
        "question marks": cells.count_matches("?", literal=True),
        "exclamation marks": cells.count_matches("!", literal=True),
    }
    shares = {
        "share of capitals": cells.count_matches(r"\p{Lu}").to_numpy() / length,
        "share of digits": cells.count_matches(r"\d").to_numpy() / length,
    }
    counted = {Fact(texts.name, name): _floats(count) for name, count in measures.items()}
    return counted | {Fact(texts.name, name): np.round(share, 3) for name, share in shares.items()}
