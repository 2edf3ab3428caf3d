"""Texts of which the model reads the beginning only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tunewright.detectors.rows import Rows
from tunewright.records import Finding

if TYPE_CHECKING:
    from tunewright.learning.cut import Cut


@dataclass(frozen=True, slots=True, kw_only=True)
class TruncatedText:
    """Report what is cut off at the limit of tokens, where that is much of all that was written or most of many rows.

    Where the limit is chosen by the lengths of the train texts, one row of a hundred is cut by design, which says
    nothing; a limit of the plan or of the backbone may cut any share. What a row loses decides how grave it is: a tail
    seldom matters, the greater half does. It is judged where a problem is posed (`learning.cut`), since how many tokens
    a text has only the backbone's tokenizer knows. Linear in the rows.

    Args:
        tokens: share of all tokens that are cut, from which it is told.
        most: share of a row's tokens beyond which it loses most of its text.
        rows: share of the rows that lose most, from which it is told.
        grave: share of the rows that lose most, from which it is a warning.
    """

    kind: ClassVar[str] = "truncated_text"
    tokens: float = 0.05
    most: float = 0.5
    rows: float = 0.01
    grave: float = 0.05

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look."""
        learned = rows.learned()
        return () if learned is None or learned.cut is None else self.judge(learned.cut)

    def judge(self, cut: Cut) -> tuple[Finding, ...]:
        """Say what is cut, and list the rows that lose anything by the share that they lose."""
        share = 1 - cut.read / np.maximum(cut.full, 1)
        lost, mostly = int((cut.full - cut.read).sum()), share > self.most
        if not lost or (lost < self.tokens * cut.full.sum() and mostly.mean() < self.rows):
            return ()
        worst = np.argsort(-share, kind="stable")[: int((share > 0).sum())]
        return (
            Finding(
                kind=self.kind,
                severity="warning" if mostly.mean() >= self.grave else "info",
                evidence=self._evidence(cut, lost / cut.full.sum(), int(mostly.sum()), len(worst)),
                columns=cut.columns,
                rows=tuple(cut.rows[worst].tolist()),
                rows_total=len(worst),
                score=float(lost / cut.full.sum()),
                scores=tuple(share[worst].round(4).tolist()),
            ),
        )

    def _evidence(self, cut: Cut, lost: float, mostly: int, some: int) -> str:
        total, at_end = len(cut.rows), cut.max_length >= cut.limit
        until = f"{cut.max_length:,} tokens{f', the most that {Path(cut.backbone).name} takes' if at_end else ''}"
        then = "Take a backbone for longer texts" if at_end else f"Raise model.max_length (up to {cut.limit:,})"
        return (
            f"Texts are read up to {until}: {lost:.1%} of all tokens are cut. {some:,} of {total:,} rows are cut, "
            f"{mostly:,} ({mostly / total:.1%}) by more than {self.most:.0%} of their tokens; the longest has "
            f"{cut.full.max():,}. {then} to read more."
        )
