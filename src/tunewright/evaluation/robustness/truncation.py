"""Texts that end in the middle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from tunewright.evaluation.robustness.base import Cells, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Truncation:
    """The end of every text is cut off, as a field that is too short does it: by signs, also within a word.

    Args:
        share: of the signs that stay.
    """

    kind: ClassVar[str] = "truncation"
    says: ClassVar[str] = "the second half of every text cut off"
    share: float = 0.5

    def change(self, rows: Rows) -> Iterator[tuple[str, Cells]]:
        """The beginning of every text."""
        yield "cut in half", rows.rewritten(lambda text, _: text[: max(1, round(self.share * len(text)))])
