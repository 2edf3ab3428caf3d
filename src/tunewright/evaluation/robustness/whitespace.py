"""Blanks too many, and blanks that are missing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tunewright.evaluation.robustness.base import Cells, Rows

_BLANK = re.compile(r"(?<=\S)\s+(?=\S)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Whitespace:
    """Some blanks between words are left out, at least one, so that words run together; the others are doubled.

    Args:
        share: of the blanks that are left out.

    >>> Whitespace().spaced("where is my parcel", np.random.default_rng(0))
    ' where  is  myparcel '
    """

    kind: ClassVar[str] = "whitespace"
    says: ClassVar[str] = "one blank of ten left out, at least one, and the others doubled"
    share: float = 0.1

    def change(self, rows: Rows) -> Iterator[tuple[str, Cells]]:
        """Every text spaced otherwise."""
        yield self.kind, rows.rewritten(self.spaced)

    def spaced(self, text: str, rng: np.random.Generator) -> str:
        """One text spaced otherwise."""
        pieces = _BLANK.split(text)
        gaps = ["  "] * (len(pieces) - 1)
        if gaps:
            for place in rng.choice(len(gaps), max(1, round(self.share * len(gaps))), replace=False):
                gaps[int(place)] = ""
        return " " + "".join(piece + gap for piece, gap in zip(pieces, [*gaps, " "], strict=True))
