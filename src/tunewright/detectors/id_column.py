"""Columns that name rows instead of describing them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunewright.detectors.rows import Rows
from tunewright.records import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class IdColumn:
    """Report each column that was left out for that; the table already knows."""

    kind: ClassVar[str] = "id_column"

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look."""
        return tuple(
            Finding(
                kind=self.kind,
                severity="info",
                evidence=f"{column.name!r} is left out: {column.why}.",
                columns=(column.name,),
            )
            for column in rows.table.columns
            if column.role == "ignore" and column.kind == "id"
        )
