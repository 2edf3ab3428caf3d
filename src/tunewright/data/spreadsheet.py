"""Cells on their way into a spreadsheet and back: what it would run as a formula is made plain text, and undone."""

from __future__ import annotations

import re

_STARTS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?(\d+([.,]\d+)?|[.,]\d+)([eE][+-]?\d+)?")


def neutral(cell: str) -> str:
    """Put an apostrophe before text that a spreadsheet would take for a formula; a number stays what it is.

    >>> neutral("=1+1"), neutral("-2.5"), neutral("spam")
    ("'=1+1", '-2.5', 'spam')
    """
    return "'" + cell if _runs(cell) else cell


def original(cell: str) -> str:
    """Take away the apostrophe that `neutral` put there.

    >>> original("'=1+1"), original("'tis"), original(neutral("@home"))
    ('=1+1', "'tis", '@home')
    """
    return cell[1:] if cell.startswith("'") and _runs(cell[1:]) else cell


def _runs(cell: str) -> bool:
    return cell.startswith(_STARTS) and not _NUMBER.fullmatch(cell)
