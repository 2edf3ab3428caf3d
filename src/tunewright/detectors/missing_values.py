"""Columns with empty cells, and with values that stand for an empty cell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from tunewright.data.dates import TIME_ONLY
from tunewright.data.disguised import (
    IN_TEXT,
    NOTHING,
    disguised_dates,
    disguised_numbers,
    disguised_words,
)
from tunewright.detectors.cells import as_written, at, quote, some
from tunewright.detectors.rows import Ints, Rows
from tunewright.records import Column, Finding

SHOWN = 8  # columns that a finding names

Gap = tuple[Column, tuple[int, ...]]  # a column and the rows in which it is empty
Words = tuple[Column, tuple[int, ...], list[tuple[str, int]]]  # a column, rows with a word for "nothing", the words


@dataclass(frozen=True, slots=True, kw_only=True)
class MissingValues:
    """Report feature columns with empty cells, and columns with values that may stand for an empty cell.

    What counts as empty is what the table's cast leaves null; cells that hold something nevertheless are named. What is
    a disguise is decided on train and validation rows. O(n log n) per column.

    Args:
        most: share of empty cells beyond which that is a warning.
        few: share of empty cells below which columns share a finding.
    """

    kind: ClassVar[str] = "missing_values"
    most: float = 0.5
    few: float = 0.01

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look."""
        used, seen = rows.used, rows.seen
        features = [column for column in rows.table.columns if column.role == "feature"]
        empty = {c.name: at(used, rows.typed.get_column(c.name)[used].is_null()) for c in features}
        gaps = [(column, empty[column.name]) for column in features if empty[column.name]]
        few = [gap for gap in gaps if len(gap[1]) < self.few * len(used)]
        found = [self._empty(rows, [gap], total=len(used)) for gap in gaps if gap not in few or len(few) == 1]
        found += [self._empty(rows, few, total=len(used))] if len(few) > 1 else []
        words = []
        for column in rows.table.columns:
            if column.role in ("feature", "target"):
                found += self._numbers(rows, column, used, seen) + self._texts(rows, column, used)
                words += [hidden] if (hidden := _words(rows, column, used, seen)) else []
        groups = ([w for w in words if w[0].role == role] for role in ("target", "feature"))
        found += [self._values(group, total=len(used)) for group in groups if group]
        return tuple(found)

    def _empty(self, rows: Rows, gaps: Sequence[Gap], *, total: int) -> Finding:
        where = sorted({row for _, empty in gaps for row in empty})
        share = len(where) / total
        if len(gaps) == 1:
            told = f"{gaps[0][0].name!r} is empty in {len(where)} of {total} rows ({_percent(share)})"
        else:
            named = ", ".join(f"{column.name!r} in {len(empty)}" for column, empty in gaps[:SHOWN])
            more = f" and {len(gaps) - SHOWN} more" if len(gaps) > SHOWN else ""
            told = f"{len(gaps)} columns are empty in a few of {total} rows: {named}{more}"
        told += _unread(rows, gaps)
        columns = tuple(column for column, _ in gaps)
        # An empty text adds nothing, which needs no filling.
        remedy = "impute" if any(column.kind != "text" for column in columns) else None
        return self._finding(columns, tuple(where), share, told, "warning" if share > self.most else "info", remedy)

    def _numbers(self, rows: Rows, column: Column, used: Ints, seen: Ints) -> list[Finding]:
        """Numbers and days that may stand for an empty cell."""
        values = rows.typed.get_column(column.name)
        if column.format == TIME_ONLY or not (values.dtype.is_numeric() or values.dtype.is_temporal()):
            return []
        numeric = values.dtype.is_numeric()
        disguises = disguised_numbers(values[seen]) if numeric else disguised_dates(values[seen])
        if not disguises:
            return []
        cells = values[used] if numeric else values[used].dt.date()
        where = at(used, cells.is_in([d.value for d in disguises]))
        counts = [f"{_plain(d.value)} in {int((cells == d.value).sum())}" for d in disguises]
        told = f"{column.name!r} is {' and '.join(counts)} of {len(used)} rows; "
        told += "; ".join(dict.fromkeys(d.why for d in disguises))
        told += ". This may stand for an empty cell" if len(disguises) == 1 else ". These may stand for an empty cell"
        severity = "info" if all(d.value == 0.0 for d in disguises) else "warning"
        remedy = "decode_missing" if column.role == "feature" else None
        return [self._finding((column,), where, len(where) / len(used), told, severity, remedy)]

    def _texts(self, rows: Rows, column: Column, used: Ints) -> list[Finding]:
        """Texts that are nothing but "None", "nan" and the like."""
        cells = as_written(rows, column.name)
        if column.kind != "text" or cells is None:
            return []
        marks = cells[used].str.strip_chars().str.to_lowercase().is_in(sorted(IN_TEXT))
        where = at(used, marks)
        if not where:
            return []
        told = some(cells[used].filter(marks.fill_null(False)).value_counts(name="\0rows").rows())
        what = "holds only a word that also stands" if len(where) == 1 else "hold only a word that also stands"
        told = f"{len(where)} of {len(used)} cells of {column.name!r} {what} for an empty cell: {told} (first: row "
        told += f"{where[0]}). Look whether it is meant as a word"
        share = len(where) / len(used)
        return [self._finding((column,), where, share, told, "warning" if share >= self.few else "info")]

    def _values(self, words: Sequence[Words], *, total: int) -> Finding:
        """Values of category columns that are words for "nothing here"."""
        where = sorted({row for _, found, _ in words for row in found})
        counts = [pair for _, _, counts in words for pair in counts]
        told = "; ".join(f"{column.name!r} holds {some(counts)}" for column, _, counts in words[:SHOWN])
        told += f"; and {len(words) - SHOWN} more columns" if len(words) > SHOWN else ""
        sure = all(cell.strip().lower() in NOTHING for cell, _ in counts)
        own = words[0][0].role == "target"
        told += f". Such a cell {'stands' if sure else 'may stand'} for an empty one, "
        read = all(cell in column.empty for column, _, counts in words for cell, _ in counts)
        told += "and is read as one" if read else f"but counts as a {'class' if own else 'value of its own'}"
        columns = tuple(column for column, _, _ in words)
        remedy = None if own else "parse_missing" if read or sure else "decode_missing"
        return self._finding(columns, tuple(where), len(where) / total, told, "warning" if own else "info", remedy)

    def _finding(
        self,
        columns: tuple[Column, ...],
        where: tuple[int, ...],
        share: float,
        told: str,
        severity: str,
        remedy: str | None = None,
    ) -> Finding:
        return Finding(
            kind=self.kind,
            severity="warning" if severity == "warning" else "info",
            evidence=f"{told}.",
            columns=tuple(column.name for column in columns),
            rows=where,
            rows_total=len(where),
            score=share,
            remedy=remedy,
        )


def _unread(rows: Rows, gaps: Sequence[Gap]) -> str:
    """What stands in cells that the cast left empty."""
    cells = [(as_written(rows, column.name), empty) for column, empty in gaps]
    words = [cell[list(empty)].drop_nulls().alias("cell") for cell, empty in cells if cell is not None]
    together = pl.concat(words) if words else pl.Series("cell", [], dtype=pl.String)
    if not len(together):
        return ""
    counts = together.value_counts(name="\0rows").rows()
    if len(counts) == 1:
        return f"; {len(together)} of these cells say {quote(counts[0][0])}, which does not read like the rest"
    return f"; {len(together)} of these cells are not blank but do not read like the rest: {some(counts)}"


def _plain(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def _percent(share: float) -> str:
    return "<0.1%" if share < 0.0005 else f"{share:.1%}"


def _words(rows: Rows, column: Column, used: Ints, seen: Ints) -> Words | None:
    """Cells of a category column that are words for "nothing here"; classes named "none" or "unknown" are classes."""
    cells = as_written(rows, column.name)
    if column.kind != "category" or cells is None:
        return None
    words = disguised_words(cells[used], among=cells[seen])
    if column.role == "target":
        words = tuple(word for word in words if word.strip().lower() in NOTHING - {"", "missing"})
    marks = cells[used].is_in(words).fill_null(False)
    where = at(used, marks)
    return (column, where, cells[used].filter(marks).value_counts(name="\0rows").rows()) if where else None
