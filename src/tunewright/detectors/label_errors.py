"""Labels that the rest of the data speaks against."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tunewright.detectors.rows import Rows
from tunewright.learning.suspects import Suspects, suspects
from tunewright.records import Finding

if TYPE_CHECKING:
    from tunewright.learning.crossfit import Learned


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelErrors:
    """Report the rows whose label is likely wrong, the most doubtful first.

    A linear fit on frozen features says of every row what the others say about it; `suspects` ranks and counts. Listed
    are as many rows as labels are likely wrong by the count of confident disagreements, and only where another label
    is at least four times as probable as the given one; for numbers, what lies beyond the tail of all distances from
    the expected value. Labels of fewer than five rows are not judged.

    Cost: that of the fit; n K for the ranking.

    Args:
        notable: share of the rows beyond which it is a warning.
        pairs: of given and suggested labels that are named.
    """

    kind: ClassVar[str] = "label_errors"
    notable: float = 0.01
    pairs: int = 3

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look."""
        learned = rows.learned()
        if learned is None:
            return ()
        if not np.isin(learned.rows, rows.used).all():
            learned = learned.among(rows.used)
        found = suspects(learned)
        if not len(found.places):
            return ()
        total = len(learned.rows)
        share = len(found.places) / total
        return (
            Finding(
                kind=self.kind,
                severity="warning" if share > self.notable else "info",
                evidence=_evidence(found, learned, self.pairs),
                columns=(rows.table.target,),
                rows=tuple(learned.rows[found.places].tolist()),
                rows_total=len(found.places),
                score=share,
                scores=tuple(np.round(found.scores.astype(np.float64), 4).tolist()),
                remedy="drop_suspects",
            ),
        )


def _evidence(found: Suspects, learned: Learned, pairs: int) -> str:
    """How many, of how many, and what is taken for what."""
    count, total = len(found.places), len(learned.rows)
    if not learned.labels:
        return (
            f"{count} of {total} values lie farther from what similar rows have than the spread of all others "
            f"explains, up to {found.scores[0]:.0f} times the usual distance."
        )
    names = [repr(label[:40]) for label in learned.labels]
    if learned.targets.ndim == 2:
        lacking = int((found.instead >= 0).sum())
        what = Counter(
            f"{names[label]} {'missing' if instead >= 0 else 'one too many'}"
            for label, instead in zip(found.given, found.instead, strict=True)
        )
        said = (
            f"{count - lacking} of {total} rows have a label that similar rows have not, {lacking} lack one they have"
        )
    else:
        what = Counter(
            f"{names[given]} looks like {names[instead]}"
            for given, instead in zip(found.given, found.instead, strict=True)
        )
        said = (
            f"{count} of {total} labels are doubtful: by what similar rows have, "
            "another is at least four times as probable"
        )
    often = ", ".join(f"{pair} ({times})" for pair, times in what.most_common(pairs))
    return f"{said}. Most often {often}."
