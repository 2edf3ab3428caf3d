"""Features that give the target away: they were written after it, or computed from it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from tunewright.detectors.goals import goal
from tunewright.detectors.leaking_columns import leaking_columns
from tunewright.detectors.leaking_gaps import leaking_gaps
from tunewright.detectors.leaking_sums import leaking_sums
from tunewright.detectors.leaking_words import leaking_words
from tunewright.detectors.rows import Rows
from tunewright.records import Finding


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakageTarget:
    """Report columns, formulas of columns, words of a text and empty cells that give the target away.

    Looked for is not what predicts well but what predicts better than anything known before the answer can. All of it
    is measured on at most 20,000 rows that are not test rows, and on rows that were held out.

    Cost: n log n per column, cutting each text into words once, and p² small fits for p number columns.
    """

    kind: ClassVar[str] = "leakage_target"

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look; each column is reported once, by the plainest sign."""
        aim = goal(rows)
        if aim is None:
            return ()
        found: list[Finding] = []
        for look in (leaking_columns, leaking_sums, leaking_gaps, leaking_words):
            known = {name for finding in found for name in finding.columns}
            found += [finding for finding in look(rows, aim) if not set(finding.columns) <= known]
        return tuple(found)
