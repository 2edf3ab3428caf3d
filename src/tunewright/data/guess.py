"""What a column holds, guessed from its values alone, with the reason in plain words."""

from __future__ import annotations

import re

import polars as pl

from tunewright.data.dates import date_format
from tunewright.data.numbers import decimal_sign, is_missing, mostly_numbers, parse_numbers

NEAR_UNIQUE = 0.9
PARTS = frozenset({"train", "training", "valid", "validation", "val", "dev", "test", "testing", "eval"})
WORDS = ({"true", "false"}, {"yes", "no"}, {"y", "n"}, {"t", "f"})
_ID_NAME = re.compile(
    r"(?:^|.*[\W_])(?:id|ids|uuid|guid|key|idx|index|rowid|row_number)$|.*[a-z](?:Id|ID|UUID|Key)$", re.S
)
_CODE = r"(?i)^(?:[0-9a-f]{8}-?(?:[0-9a-f]{4}-?){3}[0-9a-f]{12}|[0-9a-f]{16,})$"
_CJK = r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]"

Guess = tuple[str, str, str, str | None]  # kind, role, why, format (see `records.Column`)


def present_cells(values: pl.Series) -> pl.Series:
    """Cells that hold something: not null, not NaN, not blank text.

    >>> present_cells(pl.Series(["a", " ", None])).to_list()
    ['a']
    """
    if values.dtype == pl.String:
        return values.filter(values.is_not_null() & (values.str.strip_chars() != ""))
    return values.drop_nulls().drop_nans() if values.dtype.is_float() else values.drop_nulls()


def guess(values: pl.Series) -> Guess:
    """Guess what a column holds and whether it is of use as a feature.

    Args:
        values: the column as read.

    >>> guess(pl.Series(["1.5", "2", "?"] * 4))[:2]
    ('number', 'feature')
    """
    present = present_cells(values)
    if not len(present):
        return "ignore", "ignore", "every value is missing", None
    dtype = values.dtype
    if not (dtype == pl.String or dtype.is_numeric() or dtype == pl.Boolean or dtype.is_temporal()):
        return "ignore", "ignore", f"holds {dtype}, which is not used as a feature", None
    distinct = present.n_unique()
    kind, role, why, form = _by_type(values, present, distinct)
    if distinct == 1:
        return kind, "ignore", "one value in all rows", form
    return kind, role, why, form


def _by_type(values: pl.Series, present: pl.Series, distinct: int) -> Guess:
    if values.dtype == pl.Boolean:
        return "boolean", "feature", "true or false", None
    if values.dtype.is_temporal():
        return "datetime", "feature", "dates", None
    if values.dtype.is_numeric():
        return _number(values.name, present.cast(pl.Float64), len(present), "")
    return _from_text(values.name, present, distinct)


def _from_text(name: str, present: pl.Series, distinct: int) -> Guess:
    if distinct <= 6 and set(present.str.strip_chars().str.to_lowercase().unique().to_list()) in WORDS:
        return "boolean", "feature", "its two words mean true and false", None
    words = present.filter(~is_missing(present))
    sign = decimal_sign(words) if mostly_numbers(words) else "."
    numbers = parse_numbers(words, decimal=sign) if mostly_numbers(words) else words.clear().cast(pl.Float64)
    if _are_numbers(words, numbers):
        other = len(present) - numbers.count()
        note = f"; {other} other values are taken as missing" if other else ""
        kind, role, why, _ = _number(name, numbers.drop_nulls(), len(present), note)
        return kind, role, why, "," if sign == "," else None
    dated = date_format(words) if len(words) else None
    if dated is not None:
        return "datetime", "feature", dated[1], dated[0]
    return (*_words(name, present, distinct), None)


def _are_numbers(words: pl.Series, numbers: pl.Series) -> bool:
    """At least 97 % are numbers, or all but one word or two that stand for "no number" in up to half of the rows."""
    count = numbers.count()
    if not count:
        return False
    if count >= 0.97 * len(words):
        return True
    others = words.filter(numbers.is_null()).n_unique()
    return others <= 2 and count >= 0.5 * len(words) and numbers.n_unique() >= 10


def _number(name: str, numbers: pl.Series, rows: int, note: str) -> Guess:
    distinct = numbers.n_unique()
    whole = bool((numbers == numbers.round(0)).all())
    span = float(numbers.max()) - float(numbers.min()) + 1  # type: ignore[arg-type]
    unique = rows > 2 and distinct >= 0.99 * rows
    if whole and unique and _ID_NAME.match(name):
        return "id", "ignore", f"a whole number of its own in each of {rows} rows, and named like an id", None
    if whole and unique and rows >= 20 and span <= 1.05 * distinct:
        return "id", "ignore", f"counts the rows: {distinct} different whole numbers without gaps", None
    return "number", "feature", f"{distinct} distinct numbers in {rows} values{note}", None


def _words(name: str, present: pl.Series, distinct: int) -> tuple[str, str, str]:
    rows = len(present)
    stats = _statistics(present)
    ratio = distinct / rows
    fact = f"{distinct} distinct values in {rows} rows, mean {stats['words']:.1f} words"
    if set(present.head(1000).str.strip_chars().str.to_lowercase().unique().to_list()) <= PARTS and distinct > 1:
        return "category", "ignore", f"{fact}; names the parts of a split, which is no feature"
    if stats["codes"] > NEAR_UNIQUE and ratio > 0.5:
        return "id", "ignore", f"{fact}; long codes"
    if ratio >= NEAR_UNIQUE and rows > 2 and stats["words"] < 2 and _ID_NAME.match(name):
        return "id", "ignore", f"{fact}; nearly all different, and named like an id"
    if stats["words"] >= 6 and (ratio >= 0.1 or distinct > 20):
        return "text", "feature", fact
    if stats["words"] >= 3 and (ratio >= 0.2 or distinct > 1000):
        return "text", "feature", fact
    if rows >= 20 and ratio >= 0.5 and stats["phrases"] >= 0.5:
        return "text", "feature", f"{fact}; mostly different words"
    if rows >= 20 and ratio >= NEAR_UNIQUE:
        if stats["lettered"] >= 0.8:
            return "text", "feature", f"{fact}; nearly all different words"
        return "id", "ignore", f"{fact}; nearly all different codes"
    return "category", "feature", fact


def _statistics(present: pl.Series) -> dict[str, float]:
    """Means over text: words per value, shares of code-like values, of values with two words, without digits."""
    sample = present.gather_every(max(len(present) // 20_000, 1)).alias("x").to_frame()
    text = pl.col("x").str.strip_chars()
    words = text.str.count_matches(r"\S+") + text.str.count_matches(_CJK) / 2
    row = sample.select(
        words=words.mean(),
        codes=text.str.contains(_CODE).mean(),
        phrases=text.str.contains(r"\p{L}{2,}[^\p{L}]*\s.*\p{L}{2,}").mean(),
        lettered=(text.str.contains(r"\p{L}{2,}") & ~text.str.contains(r"[0-9]")).mean(),
    ).row(0, named=True)
    return {key: float(value or 0.0) for key, value in row.items()}
