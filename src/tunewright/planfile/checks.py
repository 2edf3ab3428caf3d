"""Checks of one value, declared beside the field they guard: `field(default=4, metadata={"check": at_least(1)})`.

A check speaks only of its own kind of value: a number check lets the word `auto` and a missing value pass.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

Ends = Literal["[]", "[)", "(]", "()"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A condition on one value.

    Args:
        holds: whether a converted value is in order.
        says: the condition in words, put behind the type's name: "a number" + ">= 1".
        example: a good value to show where the field's default is none (`auto`, null).
        replaces: whether `says` stands for the type's name instead of following it.
    """

    holds: Callable[[Any], bool]
    says: str
    example: float | str | None = None
    replaces: bool = False


def at_least(low: float, *, example: float | None = None) -> Check:
    """A number of `low` or more.

    >>> at_least(1).holds(0), at_least(1).holds(1), at_least(1).holds("auto")
    (False, True, True)
    """
    return Check(holds=lambda value: not _is_number(value) or value >= low, says=f">= {low:g}", example=example)


def above(low: float, *, example: float | None = None) -> Check:
    """A number greater than `low`.

    >>> above(0).holds(0), above(0).holds(1e-9)
    (False, True)
    """
    return Check(holds=lambda value: not _is_number(value) or value > low, says=f"> {low:g}", example=example)


def between(low: float, high: float, *, ends: Ends = "[]", example: float | None = None) -> Check:
    """A number from `low` to `high`; `ends` says, as in interval notation, which of the two are allowed themselves.

    >>> between(0, 0.5, ends="[)").says
    '>= 0 and < 0.5'
    >>> between(0, 0.5, ends="[)").holds(0.5), between(0, 0.5).holds(0.5)
    (False, True)
    """

    def holds(value: Any) -> bool:
        if not _is_number(value):
            return True
        above_low: bool = value >= low if ends[0] == "[" else value > low
        below_high: bool = value <= high if ends[1] == "]" else value < high
        return above_low and below_high

    signs = (">=" if ends[0] == "[" else ">", "<=" if ends[1] == "]" else "<")
    return Check(holds=holds, says=f"{signs[0]} {_brief(low)} and {signs[1]} {_brief(high)}", example=example)


def matches(pattern: str, says: str, *, example: str | None = None) -> Check:
    """A text that a regular expression matches from end to end; `says` explains the pattern to people.

    >>> matches("head|layers:[1-9]", "head or layers:N").holds("layers:0")
    False
    """
    compiled = re.compile(pattern)
    return Check(
        holds=lambda value: not isinstance(value, str) or compiled.fullmatch(value) is not None,
        says=says,
        example=example,
        replaces=True,
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _brief(number: float) -> str:
    return str(number) if isinstance(number, int) else f"{number:g}"
