"""Split by time: the latest rows test, those before them validate, the rest trains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

from tunewright.errors import DataError, PlanError
from tunewright.records import Split, Table
from tunewright.splits.clusters import Clusters
from tunewright.splits.proof import split_of
from tunewright.splits.shingles import Ints
from tunewright.splits.strata import Strata


@dataclass(frozen=True, slots=True, kw_only=True)
class ByTime:
    """The future is the test.

    Rows are sorted by `column` (equal times in row order). A cut moves to the nearest change of time, so that rows of
    one time are not torn apart, unless a part would be empty or half or twice its size. Rows without a time train.
    Nothing else moves: clusters that cross a cut are counted in the proof (`straddling_clusters`).

    Args:
        column: dates, date-times or numbers that grow with time.
        validation: share of the labelled rows.
        test: share of the labelled rows.
    """

    kind: ClassVar[str] = "by_time"
    column: str
    validation: float = 0.15
    test: float = 0.15

    def split(self, frame: pl.DataFrame, table: Table, clusters: Clusters, strata: Strata, seed: int) -> Split:
        """Split the labelled rows; the seed plays no part.

        Raises:
            PlanError: the time column is not there or holds neither dates nor numbers.
            DataError: too few labelled rows with a time.
        """
        times = self.times(frame)
        rows = strata.labelled
        dated = rows[~np.isnan(times[rows])]
        dated = dated[np.argsort(times[dated], kind="stable")]
        train = int(len(dated) == len(rows))  # rows without a time train, so that no other need to
        test = _cut(times[dated], len(rows) * self.test, before=train + (self.validation > 0))
        validation = _cut(times[dated[:test]], len(rows) * self.validation, before=train)
        self._enough(len(rows), len(dated), validation, test)
        parts = np.full(frame.height, -1)
        parts[rows] = 0
        parts[dated[validation:test]] = 1
        parts[dated[test:]] = 2
        return split_of(parts, clusters, strata, how=self.kind, more={"rows_without_time": len(rows) - len(dated)})

    def times(self, frame: pl.DataFrame) -> npt.NDArray[np.float64]:
        """Times as numbers (a date-time as its microseconds since 1970), NaN where missing."""
        if self.column not in frame.columns:
            raise PlanError(
                f"splits.time must name a column of the data. Got {self.column!r}; there are "
                f"{', '.join(frame.columns)}. Correct the name or leave splits.time out."
            )
        values = frame[self.column]
        if values.dtype.is_temporal():
            values = values.to_physical()
        if not values.dtype.is_numeric():
            raise PlanError(
                f"splits.time must hold dates or numbers. Column {self.column!r} holds {frame[self.column].dtype}. "
                "Set its kind to datetime under data.columns, or choose another column."
            )
        return values.cast(pl.Float64).fill_null(float("nan")).to_numpy()

    def _enough(self, labelled: int, dated: int, validation: int, test: int) -> None:
        wanted = (labelled - dated + validation, test - validation, dated - test)
        shares = (1.0, self.validation, self.test)
        if any(rows == 0 and share > 0 for rows, share in zip(wanted, shares, strict=True)):
            needed = 1 + (self.validation > 0) + (self.test > 0)
            raise DataError(
                f"A split by time needs at least {needed} labelled rows, and times in column {self.column!r} for "
                f"validation and test. Got {labelled} labelled rows, {dated} with a time. Add rows, or leave "
                "splits.time out."
            )


def _cut(times: npt.NDArray[np.float64], wanted: float, *, before: int) -> int:
    """Where the last `wanted` of the ascending times begin: at a change of time near there, if there is one.

    `before` times are before it, as far as there are so many, and at least one behind it, if one is left.
    """
    if wanted <= 0:
        return times.size
    exact = min(max(times.size - max(round(wanted), 1), before), times.size)
    changes: Ints = np.flatnonzero(np.diff(times)) + 1
    changes = changes[changes >= before]
    fair = changes[(times.size - changes >= wanted / 2) & (times.size - changes <= wanted * 2)]
    return int(fair[np.argmin(np.abs(fair - exact))]) if fair.size else exact
