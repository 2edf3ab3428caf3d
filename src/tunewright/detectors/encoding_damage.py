"""Texts that came through a wrong encoding, lost characters, or carry markup and characters nobody sees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.data.mojibake import put_right
from tunewright.detectors.cells import as_written, quote
from tunewright.detectors.damage import DAMAGES, MOJIBAKE, Damage, damaged
from tunewright.detectors.rows import Ints, Rows
from tunewright.records import Finding, Table

REPAIRED = ("the cleaning of text takes it out", "it is put right where text is cleaned")
AROUND = 8  # letters shown on either side of a damaged place


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodingDamage:
    """Report each sort of damage once, over all text and category columns and the labels; the worst texts first.

    `scores` are damaged places per text. Linear in the characters.
    """

    kind: ClassVar[str] = "encoding"

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look."""
        used = rows.used
        columns = {
            column.name: _cells(rows, column.name)[used]
            for column in rows.table.columns
            if column.kind in ("text", "category") and column.role in ("feature", "target")
        }
        texts = {name: cells for name, cells in columns.items() if cells.dtype == pl.String}
        found = (self._finding(rows.table, used, damage, texts) for damage in DAMAGES)
        return tuple(finding for finding in found if finding is not None)

    def _finding(self, table: Table, used: Ints, damage: Damage, columns: dict[str, pl.Series]) -> Finding | None:
        hit = {name: marks for name, cells in columns.items() if (marks := damaged(cells, damage)).any()}
        places = np.zeros(len(used), np.int64)
        for name, marks in hit.items():
            counts = columns[name].filter(marks).str.count_matches(damage.pattern)
            places[marks.to_numpy().astype(bool)] += counts.to_numpy()
        where = np.flatnonzero(places)
        if len(where) < damage.least:
            return None
        order = where[np.argsort(-places[where], kind="stable")]
        name, marks = next(iter(hit.items()))
        near = rf"\p{{L}}{{0,{AROUND}}}"
        shown = columns[name].filter(marks).str.extract(f"({near}(?:{damage.pattern}){near})")[0]
        share = len(where) / len(used)
        named = " and ".join(repr(name) for name in list(hit)[:3]) + (
            f" and {len(hit) - 3} more" if len(hit) > 3 else ""
        )
        cleaned = damage.clean and all(_cleaned(table, columns[name].filter(marks)) for name, marks in hit.items())
        told = f"{len(where)} of {len(used)} rows {damage.what} in {named}, as in {quote(str(shown))}"
        return Finding(
            kind=self.kind,
            severity="warning" if share >= damage.grave and not cleaned else "info",
            evidence=f"{told}{f'; {REPAIRED[damage is MOJIBAKE]}' if cleaned else ''}.",
            columns=tuple(hit),
            rows=tuple(used[order].tolist()),
            rows_total=len(where),
            score=share,
            scores=tuple(places[order].astype(float).tolist()),
            remedy="normalise_text" if cleaned else None,
        )


def _cells(rows: Rows, name: str) -> pl.Series:
    """A column as written, where it is text: its cast may have put values right already."""
    written = as_written(rows, name)
    return rows.typed.get_column(name) if written is None else written


def _cleaned(table: Table, cells: pl.Series) -> bool:
    """Whether damaged cells of a column are read without their damage: texts are cleaned, values have a spelling."""
    if cells.name in table.features("text"):
        return not damaged(pl.Series([put_right(cell) for cell in cells], dtype=pl.String), MOJIBAKE).any()
    column = next(column for column in table.columns if column.name == cells.name)
    right = cells.str.strip_chars().replace(dict(column.spellings))
    return not any(damaged(right, damage).any() for damage in DAMAGES)
