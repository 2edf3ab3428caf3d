"""Feature columns with empty cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunewright.detectors.rows import Rows
from tunewright.records import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingValues:
    """Report each feature column with empty cells among the rows that are in a part; over half empty is a warning."""

    kind: ClassVar[str] = "missing_values"

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look."""
        typed, table, split = rows.typed, rows.table, rows.split
        used = sorted((*split.train, *split.validation, *split.test))
        found = []
        for column in table.columns:
            if column.role != "feature":
                continue
            empty = typed[column.name][used].is_null()
            count = int(empty.sum())
            if count:
                where = [row for row, is_empty in zip(used, empty, strict=True) if is_empty]
                found.append(
                    Finding(
                        kind=self.kind,
                        severity="warning" if count > len(used) / 2 else "info",
                        evidence=f"{column.name!r} is empty in {count} of {len(used)} rows ({count / len(used):.1%}).",
                        columns=(column.name,),
                        rows=tuple(where),
                        rows_total=count,
                        score=count / len(used),
                        remedy="impute",
                    )
                )
        return tuple(found)
