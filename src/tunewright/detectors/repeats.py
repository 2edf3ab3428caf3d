"""A table that mostly repeats itself."""

from __future__ import annotations

import polars as pl

from tunewright.data import row_digests
from tunewright.records import Finding, Split, Table


def repeats(typed: pl.DataFrame, table: Table, split: Split) -> tuple[Finding, ...]:
    """Report (error) when over half of the used rows repeat the features of an earlier one: fewer examples than rows.

    Args:
        typed: all rows.
        table: which columns are features.
        split: rows outside every part are left aside.
    """
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
            kind="too_few",
            severity="error",
            evidence=f"{len(used)} rows hold only {distinct} different examples: "
            "scores on them say little about new ones.",
            score=distinct / len(used),
            remedy="drop_duplicates",
        ),
    )
