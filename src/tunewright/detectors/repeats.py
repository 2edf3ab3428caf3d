"""A table that mostly repeats itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunewright.data import row_digests
from tunewright.detectors.rows import Rows
from tunewright.records import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class Repeats:
    """Report (error) when over half of the used rows repeat the features of an earlier one: few examples, many rows."""

    kind: ClassVar[str] = "too_few"

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look."""
        typed, table, split = rows.typed, rows.table, rows.split
        used = sorted((*split.train, *split.validation, *split.test))
        features = [column.name for column in table.columns if column.role == "feature"]
        if not used or not features:
            return ()
        digests = row_digests(typed[used], features)
        distinct = len(set(digests.tolist()))
        if distinct * 2 > len(used):
            return ()
        return (
            Finding(
                kind=self.kind,
                severity="error",
                evidence=f"{len(used)} rows hold only {distinct} different examples: "
                "scores on them say little about new ones.",
                score=distinct / len(used),
                remedy="drop_duplicates",
            ),
        )
