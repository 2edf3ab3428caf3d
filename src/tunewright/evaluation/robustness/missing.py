"""Cells that nobody filled in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from tunewright.evaluation.robustness.base import Cells, Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """One column after the other empty in every row; nothing where a row has one column only.

    Args:
        most: columns that are tried, the first of the table.
    """

    kind: ClassVar[str] = "missing"
    says: ClassVar[str] = "one column after the other empty in every row, the first twelve of them"
    most: int = 12

    def change(self, rows: Rows) -> Iterator[tuple[str, Cells]]:
        """The rows without each column."""
        if len(rows.columns) < 2:
            return
        for name in rows.columns[: self.most]:
            empty = pl.Series(name, [None] * rows.typed.height, dtype=rows.typed.schema[name])
            yield f"{name} empty", {name: empty}
