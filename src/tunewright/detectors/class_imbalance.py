"""One class far larger than another."""

from __future__ import annotations

import polars as pl

from tunewright.records import Finding, Split, Table

RATIO = 3.0


def class_imbalance(typed: pl.DataFrame, table: Table, split: Split) -> tuple[Finding, ...]:
    """Report when the largest class of the train part has over three times the rows of the smallest.

    Args:
        typed: all rows.
        table: which column is the target.
        split: only its train rows are counted.
    """
    if table.task not in ("binary", "multiclass"):
        return ()
    counts = typed[table.target][list(split.train)].drop_nulls().value_counts().rows()
    if len(counts) < 2:
        return ()
    ordered = sorted(counts, key=lambda row: (-row[1], row[0]))
    (large, most), (small, fewest) = ordered[0], ordered[-1]
    if most <= RATIO * fewest:
        return ()
    return (
        Finding(
            kind="class_imbalance",
            severity="info",
            evidence=f"The largest class {large!r} has {most} training rows, the smallest {small!r} {fewest}: "
            "accuracy alone would flatter.",
            columns=(table.target,),
            score=most / fewest,
            remedy="balance",
        ),
    )
