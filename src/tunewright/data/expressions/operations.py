"""What operators, functions and date parts do: the kinds each takes and gives, and the polars expression that does it.

Arguments arrive as Float64, String, Boolean or Datetime[us] columns or literals. A numeric answer that is not finite
(1 / 0, log(-1), 9 ** 9 ** 9) becomes null wherever it arises, so no builder has to care.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import polars as pl

    Build = Callable[..., pl.Expr]

Kind = Literal["number", "text", "truth", "date", "nothing"]
Taken = Literal["number", "text", "truth", "date", "nothing", "digits"]
KINDS: tuple[Kind, ...] = ("number", "text", "truth", "date")
_DAY = 86_400_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class Form:
    """One way to apply an operation.

    Args:
        takes: kinds of the arguments; "digits" is a whole number from 0 to 10, written out, and comes last.
        gives: kind of the answer.
        build: the arguments to the answer.
        more: further arguments of the last kind may follow.
    """

    takes: tuple[Taken, ...]
    gives: Kind
    build: Build
    more: bool = False

    def fits(self, count: int) -> bool:
        """Whether it takes so many arguments."""
        return count == len(self.takes) or (self.more and count > len(self.takes))


def compared(signs: tuple[str, ...]) -> tuple[Form, ...]:
    """Forms of a chain of comparisons: operands of one kind, and every sign between two of them has to hold."""

    def build(*operands: pl.Expr) -> pl.Expr:
        links = [COMPARISONS[sign](a, b) for sign, a, b in zip(signs, operands[:-1], operands[1:], strict=True)]
        return _all(*links)

    return tuple(Form((kind,) * (len(signs) + 1), "truth", build) for kind in KINDS)


def _all(*truths: pl.Expr) -> pl.Expr:
    held = truths[0]
    for truth in truths[1:]:
        held = held & truth
    return held


def _any(*truths: pl.Expr) -> pl.Expr:
    held = truths[0]
    for truth in truths[1:]:
        held = held | truth
    return held


def _if(condition: pl.Expr, then: pl.Expr, otherwise: pl.Expr) -> pl.Expr:
    import polars as pl

    return pl.when(condition.is_null()).then(None).when(condition).then(then).otherwise(otherwise)


def _where_known(build: Callable[..., pl.Expr]) -> Build:
    """Polars passes over nulls in minima, maxima and bounds; here what is unknown makes the answer unknown."""

    def known(*values: pl.Expr) -> pl.Expr:
        import polars as pl

        return pl.when(pl.any_horizontal(*(value.is_null() for value in values))).then(None).otherwise(build(*values))

    return known


def _least(*values: pl.Expr) -> pl.Expr:
    import polars as pl

    return pl.min_horizontal(*values)


def _most(*values: pl.Expr) -> pl.Expr:
    import polars as pl

    return pl.max_horizontal(*values)


def _modulo(a: pl.Expr, b: pl.Expr) -> pl.Expr:
    """As in Python: the sign of b, and exact, where a − floor(a / b) · b is neither for a large quotient."""
    import numpy as np
    import polars as pl

    def exact(pair: Sequence[pl.Series]) -> pl.Series:
        with np.errstate(invalid="ignore", divide="ignore"):
            return pl.Series(np.mod(pair[0].to_numpy(), pair[1].to_numpy()))

    return pl.map_batches([a, b], exact, return_dtype=pl.Float64)


def _hour_of_week(date: pl.Expr) -> pl.Expr:
    import polars as pl

    return (date.dt.weekday().cast(pl.Int64) - 1) * 24 + date.dt.hour()


def spaced_words(text: pl.Expr) -> pl.Expr:
    """Lower-case words (letters and digits) with a blank before, between and behind them: whole ones match."""
    import polars as pl

    cut = text.str.to_lowercase().str.replace_all(r"[^\p{L}\p{N}]+", " ").str.strip_chars()
    return pl.concat_str(pl.lit(" "), cut, pl.lit(" "))


def _number(build: Build, count: int = 1) -> tuple[Form, ...]:
    number: Taken = "number"
    return (Form((number,) * count, "number", build),)


def _text(build: Build, gives: Kind, count: int = 1) -> tuple[Form, ...]:
    text: Taken = "text"
    return (Form((text,) * count, gives, build),)


def _row_wise(build: Build) -> tuple[Form, ...]:
    numbers, dates = (
        Form(("number", "number"), "number", build, more=True),
        Form(("date", "date"), "date", build, more=True),
    )
    return numbers, dates


def _part(build: Build, gives: Kind = "number") -> tuple[Form, ...]:
    return (Form(("date",), gives, build),)


COMPARISONS: Mapping[str, Build] = {
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
OPERATORS: Mapping[str, tuple[Form, ...]] = {
    "+": (*_number(lambda a: a), *_number(lambda a, b: a + b, 2), *_text(lambda a, b: a + b, "text", 2)),
    "-": (
        *_number(lambda a: -a),
        *_number(lambda a, b: a - b, 2),
        Form(("date", "date"), "number", lambda a, b: (a - b).dt.total_microseconds() / _DAY),
    ),
    "*": _number(lambda a, b: a * b, 2),
    "/": _number(lambda a, b: a / b, 2),
    "%": _number(_modulo, 2),
    "**": _number(lambda a, b: a.pow(b), 2),
    "and": (Form(("truth", "truth"), "truth", _all, more=True),),
    "or": (Form(("truth", "truth"), "truth", _any, more=True),),
    "not": (Form(("truth",), "truth", lambda a: ~a),),
}
FUNCTIONS: Mapping[str, tuple[Form, ...]] = {
    "log": _number(lambda a: a.log()),
    "log1p": _number(lambda a: a.log1p()),
    "sqrt": _number(lambda a: a.sqrt()),
    "abs": _number(lambda a: a.abs()),
    "round": (
        *_number(lambda a: a.round(0, mode="half_to_even")),
        Form(("number", "digits"), "number", lambda a, digits: a.round(digits, mode="half_to_even")),
    ),
    "min": _row_wise(_where_known(_least)),
    "max": _row_wise(_where_known(_most)),
    "clip": _number(_where_known(lambda a, low, high: _least(_most(a, low), high)), 3),
    "if": tuple(Form(("truth", kind, kind), kind, _if) for kind in KINDS),
    "is_missing": tuple(Form((kind,), "truth", lambda a: a.is_null()) for kind in KINDS),
    "length": _text(lambda a: a.str.len_chars(), "number"),
    "words": _text(lambda a: a.str.count_matches(r"\S+"), "number"),
    "contains": _text(lambda a, b: a.str.contains(b, literal=True), "truth", 2),
    "has_words": _text(lambda a, b: spaced_words(a).str.contains(spaced_words(b), literal=True), "truth", 2),
    "starts_with": _text(lambda a, b: a.str.starts_with(b), "truth", 2),
    "ends_with": _text(lambda a, b: a.str.ends_with(b), "truth", 2),
    "lower": _text(lambda a: a.str.to_lowercase(), "text"),
    "upper": _text(lambda a: a.str.to_uppercase(), "text"),
}
# Monday is 0, as in Python; an hour of the week is 0 (Monday, midnight) to 167.
PARTS: Mapping[str, tuple[Form, ...]] = {
    "hour": _part(lambda a: a.dt.hour()),
    "day": _part(lambda a: a.dt.day()),
    "month": _part(lambda a: a.dt.month()),
    "year": _part(lambda a: a.dt.year()),
    "weekday": _part(lambda a: a.dt.weekday() - 1),
    "is_weekend": _part(lambda a: a.dt.weekday() >= 6, "truth"),
    "hour_of_week": _part(_hour_of_week),
}
OPERATIONS: Mapping[str, tuple[Form, ...]] = {
    **OPERATORS,
    **FUNCTIONS,
    **{f".{name}": forms for name, forms in PARTS.items()},
}
