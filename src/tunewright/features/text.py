"""Text as the tokenizer should see it: normalised, markup stripped, several columns composed into one text."""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from tunewright.data.mojibake import put_right

# Nothing in it may look far ahead past another "<": a megabyte of "<!--" must not take a minute.
_TAG = re.compile(r"<(?:!--[^<]{0,2000}?--|[!/]?[a-zA-Z][^<>]{0,200})>")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
FORMS: Final[dict[str, Literal["NFKC", "NFC"]]] = {"nfkc": "NFKC", "nfc": "NFC"}
_SPACE = re.compile(r"\s+")
# Of no width, but for joiners: scripts other than the Latin need those.
_UNSEEN = re.compile("[\u00ad\u180e\u200b\u2060\ufeff]|(?<=[A-Za-z])[\u200c\u200d](?=[A-Za-z])")


@dataclass(frozen=True, slots=True, kw_only=True)
class TextCleaner:
    """Row-wise and stateless: a text's cleaned form depends on nothing but itself.

    Args:
        unicode: normal form (NFKC folds full-width letters, ligatures and non-breaking spaces).
        html: strip tags and resolve entities, or keep them.
        damage: repair text that was read in a wrong encoding, take out characters of no width; or keep both, as what
            was trained before this existed does.

    >>> TextCleaner()("ﬁne&nbsp;work<br />done"), TextCleaner(damage="repair")("cafÃ©")
    ('fine work done', 'café')
    """

    unicode: Literal["nfkc", "nfc", "none"] = "nfkc"
    html: Literal["strip", "keep"] = "strip"
    damage: Literal["repair", "keep"] = "keep"

    def __call__(self, text: str) -> str:
        """Clean one text."""
        if self.damage == "repair" and not text.isascii():
            text = _UNSEEN.sub("", put_right(text))
        if self.html == "strip" and ("<" in text or "&" in text):
            text = html.unescape(_TAG.sub(" ", text))
        if self.unicode != "none" and not text.isascii():
            text = unicodedata.normalize(FORMS[self.unicode], text)
        return _SPACE.sub(" ", _CONTROL.sub(" ", text)).strip()

    def compose(self, frame: pl.DataFrame, columns: Sequence[str]) -> list[str]:
        """Clean the columns of a frame and join them into one text per row; a missing cell adds nothing.

        >>> TextCleaner().compose(pl.DataFrame({"a": ["x", None], "b": ["y ", "z"]}), ["a", "b"])
        ['x | y', 'z']
        """
        cleaned = [[self(cell) if cell else "" for cell in frame[name].to_list()] for name in columns]
        if len(cleaned) == 1:
            return cleaned[0]
        return [" | ".join(cell for cell in row if cell) for row in zip(*cleaned, strict=True)]


def segments(text_columns: Sequence[str], pair: tuple[str, str] | None) -> tuple[tuple[str, ...], ...]:
    """Say which columns make which text: two single columns for a pair, otherwise all in one, or none.

    >>> segments(["q", "a", "note"], ("q", "a"))
    (('q',), ('a',))
    """
    if pair is not None:
        return ((pair[0],), (pair[1],))
    return (tuple(text_columns),) if text_columns else ()
