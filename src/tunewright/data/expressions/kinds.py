"""The kinds of values in an expression, and how they stand in a polars table."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

import polars as pl

from tunewright.data.expressions.operations import Kind
from tunewright.data.expressions.problems import printable, refusal
from tunewright.data.expressions.tree import Name

Value = float | str | bool | datetime.datetime | None
DTYPES: Mapping[str, pl.DataType] = {
    "number": pl.Float64(),
    "text": pl.String(),
    "truth": pl.Boolean(),
    "date": pl.Datetime("us"),
    "nothing": pl.Null(),
}
SAID = {
    "number": "a number",
    "text": "text",
    "truth": "a condition",
    "date": "a date",
    "nothing": "missing",
    "digits": "a whole number from 0 to 10",
}
_ISO = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S")


def kind_of(value: Value) -> Kind:
    """The kind of a constant.

    >>> kind_of(True), kind_of(1.0), kind_of("x"), kind_of(None)
    ('truth', 'number', 'text', 'nothing')
    """
    if value is None:
        return "nothing"
    if isinstance(value, str):
        return "text"
    if isinstance(value, datetime.datetime):
        return "date"
    return "truth" if isinstance(value, bool) else "number"


def kind_of_column(source: str, node: Name, dtype: pl.DataType) -> Kind:
    """The kind of a column of that type.

    Raises:
        PlanError: nothing is computed with such a column (lists, structs, durations).
    """
    if dtype.is_numeric():
        return "number"
    if isinstance(dtype, pl.String | pl.Categorical | pl.Enum):
        return "text"
    if isinstance(dtype, pl.Date | pl.Datetime):
        return "date"
    if isinstance(dtype, pl.Boolean | pl.Null):
        return "truth" if dtype == pl.Boolean else "nothing"
    raise refusal(
        source,
        node.at,
        must="A column in an expression must hold numbers, text, dates, or true and false",
        got=f"`{printable(node.column)}`, which holds {dtype},",
        do="Use another column.",
    )


def date_of(value: Value) -> datetime.datetime | None:
    """The date that a constant text writes, year first; None where it writes none.

    >>> date_of("2025-12-31 18:00"), date_of("31.12.2025")
    (datetime.datetime(2025, 12, 31, 18, 0), None)
    """
    for form in _ISO if isinstance(value, str) else ():
        try:
            return datetime.datetime.strptime(str(value), form)
        except ValueError:
            continue
    return None
