"""Markdown in which names and texts from outside stay what they are."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import escape

from tunewright.data.masking import masked
from tunewright.records import Score
from tunewright.stats import rounded


def prose(text: str) -> str:
    r"""A text from outside in a paragraph: one line, nothing that marks it up, no secret.

    >>> prose("<b>\x1b[31m*x*")
    '&lt;b&gt;\\\\x1b\\[31m\\*x\\*'
    """
    plain = "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in masked(text))
    return escape(re.sub(r"([\\`*\[\]#|~])", r"\\\1", plain), quote=False)


def code(name: str) -> str:
    """A name as code, whatever signs are in it.

    >>> code("team"), code("a<b")
    ('`team`', '<code>a&lt;b</code>')
    """
    said = prose(name)
    return f"`{name}`" if said == name else f"<code>{said}</code>"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """A table; cells have been made safe before.

    >>> table(["a", "b"], [["1", "2"]])
    ['| a | b |', '|---|---|', '| 1 | 2 |']
    """
    return [_row(header), f"|{'---|' * len(header)}", *map(_row, rows)]


def bullets(texts: Sequence[str]) -> list[str]:
    """Texts from outside as a list."""
    return [f"- {prose(text)}" for text in texts]


def scored(score: Score | None) -> str:
    """A value with its interval and rows, or a dash.

    >>> scored(None)
    '–'
    """
    return "–" if score is None else rounded(score)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
