"""Values that stand for an empty cell: -999 among ages, 1900-01-01 among orders, "?" among cities."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

NOTHING = frozenset(
    {"", "?", "??", "???", "-", "--", "---", ".", "..", "n/a", "#n/a", "na", "<na>", "n.a.", "n.a", "null", "(null)"}
    | {"[null]", "nan", "nat", "nil", "#value!", "#ref!", "#div/0!", "#name?", "#null!", "missing", "not available"}
    | {"(blank)", "(empty)", "(missing)", "no data"}
)
MAYBE = frozenset(
    {"none", "unknown", "unk", "unspecified", "not specified", "not known", "not applicable", "not provided"}
    | {"not reported", "not recorded", "undefined", "tbd", "void", "blank", "empty"}
)
IN_TEXT = frozenset({"none", "null", "(null)", "nan", "n/a", "#n/a", "<na>", "nat", "nil", "unknown", "undefined"})
DAYS = tuple(
    date(*day)
    for day in (
        *((1000, 1, 1), (1111, 11, 11), (1601, 1, 1), (1753, 1, 1), (1899, 12, 30), (1899, 12, 31), (1900, 1, 1)),
        *((1901, 1, 1), (1904, 1, 1), (1970, 1, 1), (2099, 12, 31), (2999, 12, 31), (9999, 12, 31)),
    )
)
_NINES = [float(f"{sign}{digit * places}") for sign in ("", "-") for digit in "789" for places in range(2, 11)]
_LIMITS = (32767.0, -32768.0, 65535.0, 2.0**31 - 1, -(2.0**31), 2.0**32 - 1, 2.0**63, -(2.0**63), 1e20, -1e20, 1e30)
SENTINELS = np.array([-1.0, -9.0, *_NINES, 99.9, 999.9, 9999.9, -99.9, -999.9, -9999.9, *_LIMITS])
REPEATED = 2  # rows that share a value before it may be a sentinel
CROWD = 10  # times the rows of its neighbours that a value within the range of the others needs
NEAR = 10  # distinct values to either side that are its neighbours
FEW, DEVIATIONS = 0.05, 3.5  # zeros up to this share, this many deviations from the median, are none
MANY = 20  # distinct values of a measured quantity


@dataclass(frozen=True, slots=True, kw_only=True)
class Disguise:
    """A value that may stand for an empty cell, and what tells it from the others."""

    value: Any
    why: str


def disguised_numbers(values: pl.Series) -> tuple[Disguise, ...]:
    """Find numbers that may stand for an empty cell.

    A typical sentinel (-1, -999, 9999, ...) counts when it is repeated and lies far outside the range of the other
    values, or within it but occurs ten times as often as any of its neighbours. A zero counts only where it is rare,
    repeated, and the others keep far away from it.

    Args:
        values: (n,) Float64, nulls allowed. O(n log n).

    >>> [d.value for d in disguised_numbers(pl.Series([*range(20, 60), -999.0, -999.0], dtype=pl.Float64))]
    [-999.0]
    """
    counted = values.drop_nulls().rename("x").value_counts(name="n").sort("x")
    distinct, counts = counted.get_column("x").to_numpy(), counted.get_column("n").to_numpy().astype(np.int64)
    typical = np.isin(distinct, SENTINELS) & (counts >= REPEATED)
    rest, often = distinct[~typical], counts[~typical]
    if len(rest) < 2:
        return ()
    found = []
    for value, n in zip(distinct[typical].tolist(), counts[typical].tolist(), strict=True):
        why = _outside(value, n, rest, often)
        if not why and abs(value) >= 99:
            why = _crowded(value, n, rest, often)
        found += [Disguise(value=value, why=why)] if why else []
    return (*found, *_zero(rest, often))


def disguised_dates(values: pl.Series) -> tuple[Disguise, ...]:
    """Find days that may stand for an empty cell, such as 1900-01-01: a year or more away from all others, or crowded.

    Args:
        values: (n,) date-times, nulls allowed.
    """
    counted = values.drop_nulls().dt.date().rename("x").value_counts(name="n").sort("x")
    days = counted.get_column("x")
    typical = days.is_in(DAYS).to_numpy()
    numbers, counts = days.cast(pl.Int32).to_numpy().astype(np.float64), counted.get_column("n").to_numpy()
    rest, often = numbers[~typical], counts[~typical].astype(np.int64)
    if len(rest) < 2:
        return ()
    lo, hi = days.filter(~typical).min(), days.filter(~typical).max()
    found = []
    for day, number, n in zip(days.filter(typical), numbers[typical], counts[typical].tolist(), strict=True):
        if number < rest[0] - 365 or number > rest[-1] + 365:
            found.append(Disguise(value=day, why=f"all other days lie between {lo!s} and {hi!s}"))
        elif why := _crowded(number, n, rest, often):
            found.append(Disguise(value=day, why=why))
    return tuple(found)


def disguised_words(values: pl.Series, *, among: pl.Series) -> tuple[str, ...]:
    """Find the values of a category column that are words for "nothing here".

    Not where they look like the other values: "NA" among two-letter codes, "-" beside "+".

    Args:
        values: (n,) text, nulls allowed.
        among: the values that say what is usual in the column.

    >>> cities, signs = pl.Series(["Rome", "?", "N/A", "Paris"]), pl.Series(["+", "-", "+"])
    >>> disguised_words(cities, among=cities), disguised_words(signs, among=signs)
    (('?', 'N/A'), ())
    """
    distinct = values.drop_nulls().unique().sort()
    others = among.drop_nulls().unique()
    others = others.filter(~_plain(others).is_in(sorted(NOTHING | MAYBE)))
    codes = bool(len(others)) and float(others.str.contains(r"^[A-Z]{2}$").mean() or 0.0) >= 0.8  # type: ignore[arg-type]
    signs = bool(others.str.contains(r"^[^\p{L}\p{N}\s]+$").any())
    plain = _plain(distinct)
    chosen = plain.is_in(sorted(NOTHING | MAYBE))
    chosen &= ~((distinct == "NA") & codes) & ~(plain.str.contains(r"^[^\p{L}\p{N}]+$") & signs)
    return tuple(distinct.filter(chosen).to_list())


def _plain(values: pl.Series) -> pl.Series:
    return values.str.strip_chars().str.to_lowercase()


def _outside(value: float, n: int, rest: np.ndarray, often: np.ndarray) -> str:
    lo, hi = float(rest[0]), float(rest[-1])
    span = hi - lo
    told = f"all other values lie between {lo:g} and {hi:g}"
    if len(rest) < 3 and abs(value) < 99:
        return ""
    if value == -1.0:
        # A measure that just reaches below zero thins out there; a count or a code that starts at zero does not.
        tail = n <= 1.5 * often[0] and often[0] < np.median(often) / 2
        steps = lo == 0 and len(rest) < 5  # -1, 0, 1, 2 may be a scale
        return told if lo >= 0 and not steps and (hi >= 100 or not tail) else ""
    if value < lo:
        return told if lo >= 0 or lo - value > span / 2 else ""
    if value > hi:
        return told if value - hi > span else ""
    return ""


def _crowded(value: float, n: int, rest: np.ndarray, often: np.ndarray) -> str:
    if n < 5 or not rest[0] < value < rest[-1]:  # at the edge it may be a limit
        return ""
    place = int(np.searchsorted(rest, value))
    near = int(often[max(place - NEAR, 0) : place + NEAR].max())
    return f"none of the values next to it occurs in more than {near}" if n >= CROWD * near else ""


def _zero(rest: np.ndarray, often: np.ndarray) -> list[Disguise]:
    """Zeros far from a measured quantity, such as a blood pressure of 0."""
    n, others, weights = int(often[0]), rest[1:], often[1:]
    if rest[0] != 0 or not REPEATED < n <= FEW * int(often.sum()) or len(others) < MANY:
        return []
    low, middle, high = (
        float(others[np.searchsorted(np.cumsum(weights), q * weights.sum())]) for q in (0.25, 0.5, 0.75)
    )
    deviation = (high - low) / 1.349
    if float(others[0]) < (high - low) / 2 or middle < DEVIATIONS * deviation:
        return []
    return [Disguise(value=0.0, why=f"all other values lie between {others[0]:g} and {others[-1]:g}")]
