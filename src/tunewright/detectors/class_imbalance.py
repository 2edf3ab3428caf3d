"""One class far larger than another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunewright.detectors.cells import quote
from tunewright.detectors.rows import Rows
from tunewright.records import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassImbalance:
    """Report when the largest class of the train part has many times the rows of the smallest.

    Args:
        ratio: how many times.
    """

    kind: ClassVar[str] = "class_imbalance"
    ratio: float = 3.0

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look."""
        typed, table, split = rows.typed, rows.table, rows.split
        if table.task not in ("binary", "multiclass"):
            return ()
        counts = typed[table.target][list(split.train)].drop_nulls().value_counts(name="\0rows").rows()
        if len(counts) < 2:
            return ()
        ordered = sorted(counts, key=lambda row: (-row[1], row[0]))
        (large, most), (small, fewest) = ordered[0], ordered[-1]
        if most <= self.ratio * fewest:
            return ()
        return (
            Finding(
                kind=self.kind,
                severity="info",
                evidence=f"The largest class {quote(large)} has {most} training rows, the smallest {quote(small)} "
                f"{fewest}: accuracy alone would flatter.",
                columns=(table.target,),
                score=most / fewest,
                remedy="balance_weights",
            ),
        )
