"""Punctuation that nobody typed."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from tunewright.evaluation.robustness.base import Cells, Rows

_WITHIN = re.compile(r"(?<=[^\W\d_])['’](?=[^\W\d_])")
_SIGN = re.compile(r"(?<!\d)[^\w\s]|[^\w\s](?!\d)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Punctuation:
    """Every sign of punctuation gone: apostrophes leave no gap, others a blank; numbers keep theirs.

    >>> without_punctuation("Don't pay 3.50 - why?!")
    'Dont pay 3.50 why'
    """

    kind: ClassVar[str] = "punctuation"
    says: ClassVar[str] = "every sign of punctuation left out, but for those within numbers"

    def change(self, rows: Rows) -> Iterator[tuple[str, Cells]]:
        """Every text without."""
        yield "no punctuation", rows.rewritten(lambda text, _: without_punctuation(text))


def without_punctuation(text: str) -> str:
    """The text without; the same where nothing but punctuation is in it."""
    bare = _SIGN.sub(lambda found: _blank(found.group()), _WITHIN.sub("", text))
    if bare == text:
        return text
    return " ".join(bare.split()) or text


def _blank(sign: str) -> str:
    # Currency, arrows and emoji are no punctuation: they mean something.
    return " " if unicodedata.category(sign).startswith("P") else sign
