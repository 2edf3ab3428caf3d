"""One scalar, written in YAML or native to Python, to a bool, int, float or str; never a guess, never a rounding."""

from __future__ import annotations

import math
import numbers
import os
import re
from collections.abc import Mapping
from typing import Any

from tunewright.planfile.reader import Plain

NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_WHOLE = re.compile(r"[+-]?[0-9]{1,18}")
_NUMBER = re.compile(r"[+-]?([0-9]{1,300}(\.[0-9]{0,300})?|\.[0-9]{1,300})([eE][+-]?[0-9]{1,3})?")
_TRUTHS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class Unfit(Exception):
    """A value is not of the type asked for; the place that asked says so."""


def is_null(value: Any) -> bool:
    """Whether a value means nothing: None, or an unquoted null, ~ or empty place."""
    return value is None or (isinstance(value, Plain) and value in NULLS)


def _text(value: Any) -> str:
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if not isinstance(value, str) or is_null(value):
        raise Unfit
    return str(value)


def _whole(value: Any) -> int:
    if isinstance(value, numbers.Integral) and not isinstance(value, bool):
        return int(value)
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        return int(value)
    raise Unfit


def _number(value: Any) -> float:
    native = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not native and not (isinstance(value, str) and _NUMBER.fullmatch(value)):
        raise Unfit
    try:
        number = float(value)
    except OverflowError:  # a whole number that no float can hold
        raise Unfit from None
    if not math.isfinite(number):
        raise Unfit
    return number


def _truth(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in _TRUTHS:
        return _TRUTHS[value.lower()]
    raise Unfit


SCALARS: Mapping[Any, Any] = {str: _text, int: _whole, float: _number, bool: _truth}
