"""Feature columns with empty cells."""

from __future__ import annotations

import polars as pl

from tunewright.records import Finding, Split, Table

MOST_ROWS = 1000


def missing_values(typed: pl.DataFrame, table: Table, split: Split) -> tuple[Finding, ...]:
    """Report each feature column with empty cells among the rows that are in a part; over half empty is a warning.

    Args:
        typed: all rows.
        table: which columns are features.
        split: rows outside every part are left aside.
    """
    used = sorted((*split.train, *split.validation, *split.test))
    found = []
    for column in table.columns:
        if column.role != "feature":
            continue
        empty = typed[column.name][used].is_null()
        count = int(empty.sum())
        if count:
            rows = [row for row, is_empty in zip(used, empty, strict=True) if is_empty]
            found.append(
                Finding(
                    kind="missing_values",
                    severity="warning" if count > len(used) / 2 else "info",
                    evidence=f"{column.name!r} is empty in {count} of {len(used)} rows ({count / len(used):.1%}).",
                    columns=(column.name,),
                    rows=tuple(rows[:MOST_ROWS]),
                    rows_total=count,
                    score=count / len(used),
                    remedy="impute",
                )
            )
    return tuple(found)
