"""Names of models, and how a version is written: `tickets@3`."""

from __future__ import annotations

import re
from typing import Final

from tunewright.errors import PlanError
from tunewright.planfile import show

SIGN: Final = "@"
_NAME: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?")
_VERSION: Final = re.compile(r"[1-9][0-9]{0,8}")


def is_name(text: str) -> bool:
    """Whether a text can name a model: letters, digits, `.`, `_` and `-`, a letter or digit first, 64 at most.

    Every name is a safe file name, on any system, and never looks like a path.

    >>> is_name("tickets-2.eu"), is_name("../tickets"), is_name(".hidden"), is_name("a@2")
    (True, False, False, False)
    """
    return _NAME.fullmatch(text) is not None


def check_name(text: str) -> str:
    """Return a name of a model.

    Raises:
        PlanError: it is none.
    """
    if not is_name(text):
        raise PlanError(
            "A model's name must be 1 to 64 letters, digits, '.', '_' or '-' that begin with a letter or digit and do "
            f"not end with '.'. Got {show(text)}. Choose such a name, as in tickets-eu."
        )
    return text


def split_version(text: str) -> tuple[str, int | None]:
    """Split `NAME` or `NAME@VERSION`.

    Raises:
        PlanError: neither.

    >>> split_version("tickets@3"), split_version("tickets")
    (('tickets', 3), ('tickets', None))
    """
    name, sign, number = text.partition(SIGN)
    if sign and not _VERSION.fullmatch(number):
        raise PlanError(
            f"A version must be written NAME{SIGN}NUMBER, the number 1 or more. Got {show(text)}. "
            f"Write it as in tickets{SIGN}3; `tunewright registry show NAME` lists the versions."
        )
    return check_name(name), int(number) if sign else None
