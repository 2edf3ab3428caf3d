"""Columns that an expert derives from others: part of the table, computed again for every later row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import polars as pl

from tunewright.data.expressions import parse
from tunewright.data.names import listed, suggest
from tunewright.errors import PlanError
from tunewright.records import Column, Kind

MOST_CATEGORIES = 50
DTYPES: dict[str, pl.DataType] = {"number": pl.Float64(), "boolean": pl.Boolean(), "datetime": pl.Datetime("us")}
Cast = Callable[[Column], pl.Series]


def derived_columns(
    derive: Mapping[str, str], known: Sequence[Column], cast: Cast, *, target: str
) -> tuple[Column, ...]:
    """Say what the derived columns hold.

    Args:
        derive: expression by the name of the new column.
        known: the table's own columns.
        cast: gives a column's cells, cast to its kind.
        target: the column to predict, which nothing may be derived from.

    Raises:
        PlanError: an expression that cannot be read or computed, a name that is taken, or the target in it.
    """
    by_name = {column.name: column for column in known}
    found = []
    for name, text in derive.items():
        where = f"knowledge.derive.{name}"
        if name in by_name:
            raise PlanError(f"{where} must be a new name. Got that of a column of the data. Choose another.")
        values = _values(where, text, by_name, cast, target)
        found.append(
            Column(
                name=name,
                kind=_kind(values),
                role="feature",
                why=f"derived: {text}",
                missing=values.null_count(),
                distinct=values.n_unique(),
                derived=text,
            )
        )
    return tuple(found)


def _values(where: str, text: str, by_name: Mapping[str, Column], cast: Cast, target: str) -> pl.Series:
    try:
        expression = parse(text)
        absent = [name for name in expression.columns if name not in by_name]
        if absent:
            hint = suggest(absent[0], by_name) or f" The data has {listed(by_name)}."
            raise PlanError(f"It must name columns of the data. There is no {absent[0]!r}.{hint}")
        if not expression.columns:
            raise PlanError(f"It must look at a column of the data. Got {text!r}. A constant tells no rows apart.")
        if target in expression.columns:
            raise PlanError(f"It must not use the target. Got {text!r}. A row to predict has none.")
        return expression.evaluate(pl.DataFrame([cast(by_name[column]) for column in expression.columns]))
    except PlanError as problem:
        raise PlanError(f"{where}: {problem}") from problem


def sources_of(columns: Sequence[Column]) -> set[str]:
    """Names of the columns that derived ones are computed from."""
    return {source for column in columns if column.derived for source in parse(column.derived).columns}


def compute(column: Column, cast: Mapping[str, pl.Series]) -> pl.Series:
    """A derived column's cells, from the cast cells of its sources."""
    assert column.derived is not None
    expression = parse(column.derived)
    values = expression.evaluate(pl.DataFrame([cast[source] for source in expression.columns]))
    return values.cast(DTYPES.get(column.kind, pl.String())).alias(column.name)


def _kind(values: pl.Series) -> Kind:
    if values.dtype == pl.Boolean:
        return "boolean"
    if values.dtype.is_numeric():
        return "number"
    if values.dtype.is_temporal():
        return "datetime"
    return "category" if values.n_unique() <= MOST_CATEGORIES else "text"
