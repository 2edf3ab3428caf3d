"""Look at a finished split for rows that another part already holds."""

from __future__ import annotations

import numpy as np

from tunewright.data.wording import agreeing
from tunewright.records import Finding, Split
from tunewright.splits.clusters import Clusters
from tunewright.splits.shingles import Ints

SERIOUS = 0.05  # of the test rows


def crossings(split: Split, clusters: Clusters, *, group: str | None = None) -> tuple[Finding, ...]:
    """Report test rows whose copies or whose groups are also in train or validation. Nothing is moved.

    An error where more than 5 % of the test rows are copies: the test then measures memory. (Not in a split by time:
    what comes again and again in life may come again in the test.)
    """
    found = []
    copied, partners = _shared(split, clusters.copies)
    serious = copied.size > SERIOUS * len(split.test) and split.how != "by_time"
    if copied.size:
        found.append(
            _finding(
                split,
                copied,
                _repeated(copied.size, len(split.test), partners),
                severity="error" if serious else "warning",
            )
        )
    grouped, partners = _shared(split, clusters.groups)
    if group is not None and grouped.size:
        found.append(
            _finding(
                split,
                grouped,
                _grouped(grouped.size, len(split.test), partners),
                severity="warning",
                columns=(group,),
            )
        )
    return tuple(found)


def _repeated(rows: int, tested: int, partners: int) -> str:
    repeat = agreeing(rows, "repeats or nearly repeats", "repeat or nearly repeat")
    easier = agreeing(rows, "It is easier than a new row", "They are easier than new rows")
    others = agreeing(partners, "row", "rows")
    return (
        f"{rows} of {tested} test rows {repeat} {partners} {others} of train or validation. "
        f"{easier}, so that the test looks too good."
    )


def _grouped(rows: int, tested: int, partners: int) -> str:
    belong = agreeing(rows, "belongs to a group that also has", "belong to groups that also have")
    others = agreeing(partners, "row", "rows")
    return f"{rows} of {tested} test rows {belong} {partners} {others} in train or validation."


def _shared(split: Split, labels: Ints) -> tuple[Ints, int]:
    """Test rows whose label is outside the test too, and how many rows there have such a label."""
    test = np.array(split.test, dtype=np.int64)
    seen = np.array(split.train + split.validation, dtype=np.int64)
    inside = np.isin(labels[test], labels[seen])
    return test[inside], int(np.isin(labels[seen], labels[test]).sum())


def _finding(split: Split, rows: Ints, evidence: str, *, severity: str, columns: tuple[str, ...] = ()) -> Finding:
    return Finding(
        kind="leakage_split",
        severity="error" if severity == "error" else "warning",
        evidence=evidence,
        columns=columns,
        rows=tuple(rows.tolist()),
        rows_total=rows.size,
        score=round(rows.size / len(split.test), 4),
    )
