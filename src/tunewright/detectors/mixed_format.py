"""Columns whose cells follow different conventions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from tunewright.detectors.cells import as_written, at
from tunewright.detectors.mixed_dates import dates, hidden_dates
from tunewright.detectors.mixed_numbers import hidden_numbers, numbers
from tunewright.detectors.mixed_values import respelled, truths
from tunewright.detectors.mixing import Cells, Mix
from tunewright.detectors.rows import Rows
from tunewright.records import Column, Finding

Look = Callable[[Cells], Mix | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MixedFormat:
    """Report columns of text whose cells follow different conventions: numbers, dates, yes and no, category values.

    `rows` are those that leave the convention of most. What still reads alike is worth knowing; what is misread, or
    counts as empty, or makes a column something else than it is, is a warning. One finding per column; linear.
    """

    kind: ClassVar[str] = "mixed_format"

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look."""
        used = rows.used
        seen = pl.Series(used).is_in(rows.seen)
        found = []
        for column in rows.table.columns:
            text = as_written(rows, column.name)
            if text is None or not _looks(column):
                continue
            typed = rows.typed.get_column(column.name)[used] if column.name in rows.typed.columns else None
            cells = Cells(column=column, text=text[used], typed=typed, seen=seen)
            mix = next((mix for look in _looks(column) if (mix := look(cells)) is not None), None)
            if mix is not None:
                where = at(used, mix.marks)
                found.append(
                    Finding(
                        kind=self.kind,
                        severity=mix.severity,
                        evidence=f"{column.name!r} {mix.told}.",
                        columns=(column.name,),
                        rows=where,
                        rows_total=len(where),
                        score=len(where) / len(used),
                        remedy=mix.remedy,
                    )
                )
        return tuple(found)


def _looks(column: Column) -> tuple[Look, ...]:
    """What can be mixed in a column of that kind; a kind that the user gave is not doubted."""
    if column.why.startswith("given") or column.role in ("group", "part"):
        return ()
    if column.role == "ignore" and column.kind in ("number", "datetime", "boolean"):
        return ()
    if column.kind == "number":
        return (numbers,)
    if column.kind == "datetime":
        return (dates,)
    if column.kind == "boolean":
        return (truths,)
    if column.role == "target" or column.kind == "multilabel":
        return ()
    hidden: tuple[Look, ...] = (truths, hidden_dates, hidden_numbers)
    return (*hidden, respelled) if column.kind == "category" and column.role == "feature" else hidden
