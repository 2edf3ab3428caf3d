"""Capitals where none were, and none where they were."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from tunewright.evaluation.robustness.base import Cells, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class LetterCase:
    """All letters small, then all of them capital.

    A backbone that folds case itself feels it in nothing but the words model beside it, if that.
    """

    kind: ClassVar[str] = "case"
    says: ClassVar[str] = "all letters small, or all of them capital"

    def change(self, rows: Rows) -> Iterator[tuple[str, Cells]]:
        """Every text both ways."""
        yield "lower case", rows.rewritten(lambda text, _: text.lower())
        yield "upper case", rows.rewritten(lambda text, _: text.upper())
