"""Columns with one value, or nearly so, which tell no rows apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunewright.detectors.cells import quote
from tunewright.detectors.rows import Rows
from tunewright.records import Finding

SHOWN = 5  # columns that a finding names


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstantColumn:
    """Report each column that was left out for that (the table already knows), and features that come close to it.

    Args:
        share: of the train and validation rows; a feature with one value in more of them comes close.
        rows: train and validation rows from which that can be said.
    """

    kind: ClassVar[str] = "constant_column"
    share: float = 0.995
    rows: int = 200

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look."""
        constant = tuple(
            Finding(
                kind=self.kind,
                severity="info",
                evidence=f"{column.name!r} is left out: {column.why}.",
                columns=(column.name,),
            )
            for column in rows.table.columns
            if column.role == "ignore" and column.kind != "id" and column.distinct <= 1
        )
        return (*constant, *self._nearly(rows))

    def _nearly(self, rows: Rows) -> tuple[Finding, ...]:
        seen = rows.seen
        if len(seen) < self.rows:
            return ()
        found = {}
        for column in rows.table.columns:
            if column.role == "feature":
                values = rows.typed.get_column(column.name)[seen].drop_nulls()
                value, count = values.rename("x").value_counts(name="n").sort("n").row(-1) if len(values) else ("", 0)
                if count > self.share * len(seen):
                    found[column.name] = (value, len(seen) - count)
        if not found:
            return ()
        named = [f"{name!r} ({_shown(value)} but for {rest})" for name, (value, rest) in found.items()]
        more = f" and {len(named) - SHOWN} more" if len(named) > SHOWN else ""
        told = "1 column has" if len(found) == 1 else f"{len(found)} columns have"
        return (
            Finding(
                kind=self.kind,
                severity="info",
                evidence=f"{told} one value in nearly all of {len(seen)} rows: {', '.join(named[:SHOWN])}{more}.",
                columns=tuple(found),
                score=max(1 - rest / len(seen) for _, rest in found.values()),
            ),
        )


def _shown(value: object) -> str:
    return quote(value) if isinstance(value, str) else f"{value:g}" if isinstance(value, float) else str(value)
