"""Columns that name rows instead of describing them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from tunewright.detectors.rows import Ints, Rows
from tunewright.records import Column, Finding

_ADDRESS = r"^(?:https?://|www\.|ftp://|file:|[A-Za-z]:\\|\.{0,2}\\?/)\S+$|^[\w.+-]+@[\w-]+\.[\w.]+$"
SAMPLE = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class IdColumn:
    """Report each column that was left out for that (the table already knows), and features that are addresses.

    Args:
        share: of the train and validation rows that have to hold an address, and one of their own.
    """

    kind: ClassVar[str] = "id_column"
    share: float = 0.9

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look."""
        seen, found = rows.seen, []
        for column in rows.table.columns:
            if column.role == "ignore" and column.kind == "id":
                told = f"{column.name!r} is left out: {column.why}."
            elif column.role == "feature" and column.kind in ("text", "category") and self._names(rows, column, seen):
                told = (
                    f"{column.name!r} holds addresses (of pages, files or mailboxes), nearly all different: they name "
                )
                told += f"rows rather than describe them. It is used as {column.kind}."
            else:
                continue
            found.append(Finding(kind=self.kind, severity="info", evidence=told, columns=(column.name,)))
        return tuple(found)

    def _names(self, rows: Rows, column: Column, seen: Ints) -> bool:
        """Whether nearly every cell is an address of its own."""
        cells = rows.typed.get_column(column.name)[seen].drop_nulls()
        sample = cells.gather_every(max(len(cells) // SAMPLE, 1)).cast(pl.String)
        if len(sample) < 20 or sample.n_unique() < self.share * len(sample):
            return False
        return int(sample.str.strip_chars().str.contains(_ADDRESS).sum()) >= self.share * len(sample)
