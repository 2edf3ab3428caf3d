"""Rows that an exported model is most likely to answer differently: the same for every export of a table."""

from __future__ import annotations

from typing import Any, Final

import polars as pl

from tunewright.records import Column, Table

TEXTS: Final = (
    "",
    " \t\n ",
    "a",
    "?",
    "!!! ... ???",
    "0123456789 3.14 -1e9",
    "The same word, the same word, the same word.",
    "SHOUTED IN CAPITALS",
    "ﬁne ﬃligatures and ｆｕｌｌ ｗｉｄｔｈ",
    "naïve café Straße ẞ İi ǆ",
    "e\u0301 n\u0303 o\u0308\u0301 combining marks",
    "漢字とひらがなとカタカナ",
    "한국어 텍스트",
    "العربية עברית right to left",
    "हिन्दी தமிழ் ไทย",
    "👩‍👩‍👧‍👦 🏳️‍🌈 🇪🇺 😀",
    "zero\u200bwidth\u200d\ufeffsigns\u00ad",
    "control \x00\x01\x1b[31m signs",
    "<b>mark</b>up &amp; entities &#x1F600; <script>alert(1)</script>",
    "[CLS] [SEP] [PAD] [MASK] [UNK] <s> </s>",
    "=1+1 @cell -minus",
    "http://example.invalid/a?b=c&d=%20 someone@example.invalid",
    "x" * 1_000,
    "word " * 4_000,
    "long words without an end " + "unutterably" * 200,
    "\U0001f600" * 600,
)
NUMBERS: Final = (None, "0", "-1", "1e6", "-1e6", "0.1", "abc", "nan", "")
CATEGORIES: Final = (None, "", "a value that nobody has ever seen", "漢字")
DATES: Final = (None, "1970-01-01", "2999-12-31", "not a date", "")
_BOOLEANS: Final = (None, "true", "false", "maybe")


def adversarial_rows(table: Table) -> pl.DataFrame:
    """Raw rows, every cell a text or missing, with all feature columns of the table.

    Every value in the lists of its column's kind occurs; columns step through their lists at different speeds, so that
    extremes meet. The last row has no cell at all.
    """
    columns = [one for one in table.columns if one.role == "feature" and one.derived is None]
    rows = max((len(_values(one)) for one in columns), default=0)
    cells: dict[str, list[str | None]] = {}
    for place, column in enumerate(columns):
        values = _values(column)
        # Column by column the start shifts, so that not all columns are empty at once until the last row.
        cells[column.name] = [values[(row + 3 * place) % len(values)] for row in range(rows)] + [None]
    return pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String))


def _values(column: Column) -> tuple[Any, ...]:
    by_kind: dict[str, tuple[Any, ...]] = {
        "text": TEXTS,
        "number": NUMBERS,
        "boolean": _BOOLEANS,
        "datetime": DATES,
    }
    return by_kind.get(column.kind, CATEGORIES)
