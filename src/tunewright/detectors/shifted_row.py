"""Rows whose cells stand one or more columns beside their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import polars as pl

from tunewright.detectors.cells import quote
from tunewright.detectors.profiles import Cells, Profile, cells_of, profile
from tunewright.detectors.rows import Rows
from tunewright.records import Finding

Array = np.ndarray[Any, np.dtype[Any]]

SAMPLE = 200_000  # rows that are enough to know what is usual
FEWEST = 50  # rows from which it is known what is usual in a column
CLEAR, DAMPED = 5.0, 1.0  # nats that one cell may tell; that an empty one may, and a number of usual size
LONE = 0.3  # of the cells of a run of numbers that have to fit the other column clearly better
STRANGE, COMMON = (
    0.003,
    0.03,
)  # share of a column's numbers up to which, and from which, a size is none, and one of its own


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """One row's best explanation by a shift: its cells from `first` to `last` belong `by` columns further on."""

    row: int
    score: float
    by: int
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftedRow:
    """Report rows in which a run of neighbouring cells fits the columns beside much better than its own.

    Each cell is judged by how often its value and its shape (letters, digits, signs, size of a number) occur in a
    column of the train and validation rows; a row is reported where moving a run of cells gains `gain` nats in sum and
    at least two of them clearly. Linear in cells; only rows with two unusual cells are looked at closely.

    Args:
        gain: nats that a shift must gain.
        clear: nats that a cell gains clearly.
        farthest: columns that cells may have moved.
        usual: share of a column's rows from which a value or shape is nothing unusual in it.
    """

    kind: ClassVar[str] = "shifted_row"
    gain: float = 6.0
    clear: float = 2.0
    farthest: int = 3
    usual: float = 0.02

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look."""
        names, used = rows.raw.columns, rows.used
        texts = [rows.raw.schema[name] == pl.String for name in names]
        known = np.flatnonzero(np.isin(used, rows.seen))
        known = known[:: max(len(known) // SAMPLE, 1)]
        if sum(texts) < 3 or len(known) < FEWEST:
            return ()
        cells = [
            cells_of(rows.raw.get_column(name)[used]) if is_text else None
            for name, is_text in zip(names, texts, strict=True)
        ]
        found: list[Shift] = []
        for _ in range(2):  # what was found no longer counts as usual
            usual = np.setdiff1d(known, [shift.row for shift in found])
            profiles = [None if column is None else profile(column.take(usual)) for column in cells]
            before, found = len(found), self._shifts(cells, profiles)
            if len(found) in (0, before):
                break
        return (self._finding(used, names, cells, found),) if found else ()

    def _shifts(self, cells: Sequence[Cells | None], profiles: Sequence[Profile | None]) -> list[Shift]:
        """Rows better explained by a shift, best explained first."""
        odd = sum(self._unusual(c, p) for c, p in zip(cells, profiles, strict=True) if c is not None and p is not None)
        candidates = np.flatnonzero(np.asarray(odd) >= 2)
        if not len(candidates):
            return []
        near = [None if column is None else column.take(candidates) for column in cells]
        best = np.zeros((len(candidates), 4))  # score, by, first, last
        for by in (d for k in range(1, self.farthest + 1) for d in (k, -k)):
            gains, sizes = _gains(near, profiles, by, len(candidates))
            score, first, last = _best_run(gains)
            clear = gains >= self.clear
            # Sizes of numbers hang together: they alone must tell more often.
            bare = _within(clear & ~sizes, first, last) == 0
            enough = np.where(bare, np.maximum(3, LONE * (last - first + 1)), 2)
            better = (score >= self.gain) & (_within(clear, first, last) >= enough) & (score > best[:, 0])
            best[better] = np.column_stack([score, np.full(len(score), by), first, last])[better]
        hit = np.flatnonzero(best[:, 0] > 0)
        hit = hit[np.argsort(-best[hit, 0], kind="stable")]
        return [
            Shift(
                row=int(candidates[i]),
                score=float(best[i, 0]),
                by=int(best[i, 1]),
                first=int(best[i, 2]),
                last=int(best[i, 3]),
            )
            for i in hit
        ]

    def _unusual(self, cells: Cells, usual: Profile) -> Array:
        """(n,) whether neither the value nor, in a column of ever new values, the shape of a cell is usual."""
        closed = sum(usual.values.values()) > 0.9
        known = usual.values if closed else usual.shapes
        share = (cells.values if closed else cells.shapes).replace_strict(known, default=0.0, return_dtype=pl.Float64)
        return (share.fill_null(1.0) < self.usual).to_numpy()

    def _finding(self, used: Array, names: list[str], cells: Sequence[Cells | None], found: list[Shift]) -> Finding:
        worst = found[0]
        where = f"from {names[worst.first]!r} to {names[worst.last]!r}"
        side = f"{abs(worst.by)} column{'s' * (abs(worst.by) > 1)} too far to the {'left' if worst.by > 0 else 'right'}"
        at, cell = _telling(cells, worst)
        one = len(found) == 1
        told = f"{len(found)} row{' has' if one else 's have'} cells that fit the columns beside better than their own"
        told += f"; row {used[worst.row]} stands {side} {where}"
        told += f": {names[at]!r} holds {quote(cell)}, as {names[at + worst.by]!r} does elsewhere" if cell else ""
        touched = sorted({place for shift in found for place in range(shift.first, shift.last + 1)})
        return Finding(
            kind=self.kind,
            severity="warning",
            evidence=f"{told}.",
            columns=tuple(names[place] for place in touched),
            rows=tuple(int(used[shift.row]) for shift in found),
            rows_total=len(found),
            score=len(found) / len(used),
            scores=tuple(round(shift.score, 3) for shift in found),
            remedy="drop_shifted",
        )


def _gains(
    cells: Sequence[Cells | None], profiles: Sequence[Profile | None], by: int, rows: int
) -> tuple[Array, Array]:
    """(n, columns) nats gained when the cell of a column is read as one of the column `by` further on.

    And (columns,) whether both columns are of numbers.
    """
    gains, sizes = np.full((rows, len(cells)), -CLEAR), np.zeros(len(cells), bool)
    for place, column in enumerate(cells):
        own, other = profiles[place], profiles[place + by] if 0 <= place + by < len(cells) else None
        if column is None or own is None or other is None:
            continue
        gain = np.log(other.likelihood(column)) - np.log(own.likelihood(column))
        empty = column.values.is_null().to_numpy()
        most = np.where(empty, DAMPED, CLEAR)
        sizes[place] = own.numeric and other.numeric
        if sizes[place]:
            strange = (own.share(column) < STRANGE) & (other.share(column) > COMMON)
            most = np.where(strange & ~empty, CLEAR, DAMPED)
        gains[:, place] = np.clip(gain, -CLEAR, most)
    return gains, sizes


def _best_run(gains: Array) -> tuple[Array, Array, Array]:
    """Sum, first and last column of the run of columns with the largest sum, per row (Kadane's algorithm)."""
    rows = np.arange(len(gains))
    best, run = np.full(len(gains), -np.inf), np.full(len(gains), -np.inf)
    start, first, last = np.zeros((3, len(gains)), np.int64)
    for place in range(gains.shape[1]):
        fresh = run <= 0
        run = np.where(fresh, 0.0, run) + gains[rows, place]
        start = np.where(fresh, place, start)
        better = run > best
        best = np.where(better, run, best)
        first, last = np.where(better, start, first), np.where(better, place, last)
    return best, first, last


def _within(marks: Array, first: Array, last: Array) -> Array:
    """Marks of each row that lie in its run."""
    places = np.arange(marks.shape[1])
    inside = marks & (places >= first[:, None]) & (places <= last[:, None])
    return np.asarray(np.count_nonzero(inside, axis=1))


def _telling(cells: Sequence[Cells | None], shift: Shift) -> tuple[int, str]:
    """A short cell of the run that is common in its own column, so that it tells nothing of a person."""
    for place in range(shift.first, shift.last + 1):
        column, other = cells[place], cells[place + shift.by]
        cell = column.values[shift.row] if column is not None else None
        if cell is not None and other is not None and int((other.values == cell).sum()) >= 3:
            return place, str(cell)
    return shift.first, ""
