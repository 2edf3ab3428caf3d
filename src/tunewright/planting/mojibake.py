"""Texts that were read in the wrong encoding."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Planted
from tunewright.planting.drawing import changed, draw, pick, put

SIGNS = {"'": "\u2019", '"': "\u201d", " - ": " \u2013 ", "...": "\u2026"}
ACCENTS = str.maketrans("aeiou", "\u00e1\u00e9\u00ed\u00f3\u00fa")


@dataclass(frozen=True, slots=True, kw_only=True)
class Mojibake:
    """Read some texts of one column, written in UTF-8, as Windows-1252: "café" becomes "cafÃ©".

    Texts of plain letters are first given a typographic sign or an accented letter, as their author may have written
    them.

    Args:
        rate: share of the rows.
    """

    name: ClassVar[str] = "mojibake"
    kind: ClassVar[str] = "encoding"
    also: ClassVar[tuple[str, ...]] = ("language_mix",)
    of: ClassVar[str] = "rows"
    touches: ClassVar[str] = "text"
    rate: float = 0.02

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Damage; nothing to do without text."""
        if not about.texts:
            return None
        column = pick(about.texts, rng)
        damageable = frame[column][about.rows].str.contains(r"[aeiou'\"]|[^\x00-\x7f]").fill_null(False).to_numpy()
        rows = draw(about.rows[damageable], self.rate, rng)
        if rows is None:
            return None
        texts = [misread(text, rng) for text in frame[column][rows].to_list()]
        return changed(put(frame, column, rows, texts), rows, (column,))


def misread(text: str, rng: np.random.Generator) -> str:
    """UTF-8 read as Windows-1252 (as Latin-1 where that has no such character).

    >>> misread("café", np.random.default_rng(0))
    'cafÃ©'
    """
    if text.isascii():
        text = _typeset(text, rng)
    data = text.encode("utf-8", "replace")
    return "".join(_byte(byte) for byte in data)


def _byte(byte: int) -> str:
    try:
        return bytes([byte]).decode("cp1252")
    except UnicodeDecodeError:
        return chr(byte)


def _typeset(text: str, rng: np.random.Generator) -> str:
    """The text with typographic signs, and, where it has none, with one or two accented letters."""
    set_text = text
    for plain, sign in SIGNS.items():
        set_text = set_text.replace(plain, sign)
    if not set_text.isascii():
        return set_text
    vowels = [found.start() for found in re.finditer("[aeiou]", text)]
    chosen = rng.choice(vowels, min(2, len(vowels)), replace=False).tolist()
    return "".join(letter.translate(ACCENTS) if at in chosen else letter for at, letter in enumerate(text))
