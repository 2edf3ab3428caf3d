"""Numbers as a column writes them: read them, and write others in the same way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
import polars as pl

from tunewright.data.numbers import Decimal, parse_numbers
from tunewright.planting.about import About, Floats

DISTINCT = 10  # a column of fewer numbers is a scale or a code
LOOKED_AT = 1000
PLAIN = 0.9
Bools = np.ndarray[Any, np.dtype[np.bool_]]


def values_of(frame: pl.DataFrame, about: About, column: str) -> Floats:
    """(n,) numbers of a column, NaN where there is none."""
    numbers = parse_numbers(frame[column], decimal=cast(Decimal, about.formats.get(column, ".")))
    return numbers.fill_null(float("nan")).to_numpy().astype(np.float64)


def measured(frame: pl.DataFrame, about: About, *, distinct: int = DISTINCT) -> tuple[str, ...]:
    """Number columns that measure something: with many different values, and not used to order the rows."""
    columns = [column for column in about.numbers if column != about.time]
    return tuple(c for c in columns if len(np.unique(_finite(values_of(frame, about, c)))) >= distinct)


def plain(cells: pl.Series) -> Bools:
    """(n,) whether a cell holds a number and nothing else: no unit, no currency.

    >>> plain(pl.Series(["12", "1,5", "3 kg", None])).tolist()
    [True, True, False, False]
    """
    if cells.dtype != pl.String:
        return cells.is_not_null().to_numpy()
    return cells.str.contains(r"^\s*-?[0-9]+([.,][0-9]+)?\s*$").fill_null(False).to_numpy()


def mostly_plain(frame: pl.DataFrame, columns: Sequence[str]) -> tuple[str, ...]:
    """Those of the columns that hold nothing else in nine of ten cells."""
    return tuple(name for name in columns if plain(frame[name]).sum() >= PLAIN * frame[name].count())


def written(values: Sequence[float] | Floats, like: pl.Series, *, decimal: str = ".", exact: bool = False) -> list[Any]:
    """Numbers as cells of a column: of its type, with its usual (exact: its most) decimals and its decimal sign.

    >>> written([1234.567, 2.0], pl.Series(["0,50", "3,25"]), decimal=",")
    ['1234,57', '2,00']
    >>> written([2.6], pl.Series([1, 2]))
    [3]
    """
    numbers = np.asarray(values, np.float64)
    if like.dtype.is_integer():
        low, high = int(like.lower_bound().item()), int(like.upper_bound().item())
        return [min(max(round(value), low), high) for value in numbers.tolist()]
    lengths = decimals(like.cast(pl.String))
    digits = lengths[-1] if exact else lengths[len(lengths) // 2]
    if like.dtype != pl.String:
        return [round(value, digits) for value in numbers.tolist()]
    return [f"{value:.{digits}f}".replace(".", decimal) for value in numbers.tolist()]


def decimals(cells: pl.Series) -> list[int]:
    """How many digits some cells of a column of text write behind the decimal sign, ascending; never nothing."""
    texts = cells.drop_nulls().unique(maintain_order=True).head(LOOKED_AT).to_list()
    found = [re.search(r"[0-9][.,]([0-9]{1,6})[0-9]*\D*$", text) for text in texts]
    return sorted(len(one[1]) if one is not None else 0 for one in found) or [0]


def spread(values: Floats) -> float:
    """Half the width of the middle 68 %: what the standard deviation of a normal variable would be; above 0."""
    finite = _finite(values)
    if not len(finite):
        return 1.0
    low, high = np.quantile(finite, [0.16, 0.84])
    return float((high - low) / 2 or finite.std() or 1.0)


def _finite(values: Floats) -> Floats:
    kept: Floats = values[np.isfinite(values)]
    return kept
