"""How an expression is refused: what must hold, what stands there, at which character, what to do."""

from __future__ import annotations

from tunewright.errors import PlanError

BEFORE, AFTER = 24, 30  # characters shown around the place


def refusal(source: str, at: int, *, must: str, got: str, do: str) -> PlanError:
    """Make the error of one place in an expression.

    Args:
        source: the whole expression.
        at: zero-based character; people count from one.
        must: what must hold, without a full stop.
        got: what stands there instead.
        do: what to do, a sentence.

    >>> print(refusal("a +", 3, must="After + a value must follow", got="the end", do="Complete it."))
    After + a value must follow. Got the end at character 4 of "a +". Complete it.
    """
    start, end = max(0, at - BEFORE), at + AFTER
    shown = ("…" if start else "") + printable(source[start:end]) + ("…" if len(source) > end else "")
    return PlanError(f'{must}. Got {got} at character {at + 1} of "{shown}". {do}')


def printable(text: str) -> str:
    r"""Escape what does not print, so that a hostile text cannot act on a terminal.

    >>> printable("a\x1b[31m")
    'a\\x1b[31m'
    """
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text)
