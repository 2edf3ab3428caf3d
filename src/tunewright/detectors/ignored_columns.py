"""Columns that cannot help: constants and identifiers."""

from __future__ import annotations

import polars as pl

from tunewright.records import Finding, Split, Table


def ignored_columns(typed: pl.DataFrame, table: Table, split: Split) -> tuple[Finding, ...]:
    """Report columns that were left out because they are constant or name rows.

    Args:
        typed: all rows; not looked at, the table already knows.
        table: columns with role and reason.
        split: not needed.
    """
    found = []
    for column in table.columns:
        if column.role != "ignore" or (column.kind != "id" and column.distinct > 1):
            continue
        found.append(
            Finding(
                kind="id_column" if column.kind == "id" else "constant_column",
                severity="info",
                evidence=f"{column.name!r} is left out: {column.why}.",
                columns=(column.name,),
            )
        )
    return tuple(found)
