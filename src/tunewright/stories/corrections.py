"""What a person decided about doubtful rows, and the table with it applied."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
import polars as pl

from tunewright.errors import DataError

Decided = Literal["keep", "relabel", "drop"]
DECISIONS: tuple[Decided, ...] = ("keep", "relabel", "drop")
SEPARATOR = "|"  # between the labels of one row
Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Correction:
    """One row's decision, with who made it and why.

    Args:
        row: zero-based data row in file order.
        decision: keep the label, give it another, or drop the row.
        given: the label that the row came with.
        label: the new one, where the decision is relabel; several are joined by "|".
        finding: kinds of finding that brought the row on the sheet.
        who: as written on the sheet.
        comment: as written on the sheet.
    """

    row: int
    decision: Decided
    given: str | None = None
    label: str | None = None
    finding: str = ""
    who: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """A table after corrections.

    Args:
        frame: the rows that are left, in order.
        rows: (m,) ids that they had before.
        counts: rows per decision that was followed, and `outside`: relabels and drops that were not, since their rows
            may not be changed.
    """

    frame: pl.DataFrame
    rows: Ints
    counts: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrections:
    """A reviewed sheet.

    Args:
        file: its name.
        fingerprint: of the data it speaks of.
        entries: one per decided row, by row.
        undecided: rows on the sheet that nobody decided.
    """

    schema: ClassVar[int] = 1
    file: str
    fingerprint: str
    entries: tuple[Correction, ...]
    undecided: int = 0

    def counts(self) -> dict[str, int]:
        """Rows per decision, and those undecided.

        >>> Corrections(file="r.csv", fingerprint="", entries=(Correction(row=3, decision="drop"),)).counts()
        {'keep': 0, 'relabel': 0, 'drop': 1, 'undecided': 0}
        """
        counted = Counter(entry.decision for entry in self.entries)
        return {**{decision: counted[decision] for decision in DECISIONS}, "undecided": self.undecided}

    def confirmed(self) -> dict[str, tuple[int, int]]:
        """By kind of finding: how many of its rows a person found wrong indeed, of how many decided.

        >>> entries = (Correction(row=0, decision="keep", finding="label_errors"),)
        >>> Corrections(file="r.csv", fingerprint="", entries=entries).confirmed()
        {'label_errors': (0, 1)}
        """
        found: dict[str, tuple[int, int]] = {}
        for entry in self.entries:
            for kind in filter(None, entry.finding.split("; ")):
                wrong, decided = found.get(kind, (0, 0))
                found[kind] = wrong + (entry.decision != "keep"), decided + 1
        return found

    @property
    def dropped(self) -> tuple[int, ...]:
        """Ids of the rows to leave out, ascending."""
        return tuple(entry.row for entry in self.entries if entry.decision == "drop")

    def relabelled(self, frame: pl.DataFrame, target: str, *, within: Collection[int]) -> pl.DataFrame:
        """The same rows with the new labels, of rows `within` alone; nothing is dropped."""
        labels = {e.row: str(e.label) for e in self.entries if e.decision == "relabel" and e.row in within}
        return frame.with_columns(_relabelled(frame[target], labels))

    def apply(self, frame: pl.DataFrame, target: str, *, within: Collection[int] | None = None) -> Corrected:
        """Relabel and drop rows.

        Args:
            frame: the typed rows of the data, in file order.
            target: the column of labels.
            within: ids of the rows that may be changed (train and validation rows, say); None: all.

        Raises:
            DataError: the table has fewer rows, or a label does not fit the target.

        >>> frame = pl.DataFrame({"y": ["a", "b", "b"]})
        >>> entries = (Correction(row=0, decision="drop"), Correction(row=1, decision="relabel", label="a"))
        >>> done = Corrections(file="r.csv", fingerprint="", entries=entries).apply(frame, "y")
        >>> done.frame["y"].to_list(), done.rows.tolist(), done.counts["relabel"]
        (['a', 'b'], [1, 2], 1)
        """
        if self.entries and self.entries[-1].row >= frame.height:
            raise DataError(
                f"Corrections must speak of rows of the data. {self.file} has row {self.entries[-1].row}, the data "
                f"{frame.height} rows. Use the sheet that was written for this data."
            )
        allowed = None if within is None else set(within)
        followed = [e for e in self.entries if e.decision == "keep" or allowed is None or e.row in allowed]
        labels = {entry.row: str(entry.label) for entry in followed if entry.decision == "relabel"}
        gone = [entry.row for entry in followed if entry.decision == "drop"]
        changed = frame.with_columns(_relabelled(frame[target], labels))
        rows = np.setdiff1d(np.arange(frame.height), np.array(gone, np.int64))
        counts = Counter(entry.decision for entry in followed)
        outside = len(self.entries) - len(followed)
        told: dict[str, int] = {decision: counts[decision] for decision in DECISIONS}
        return Corrected(frame=changed[rows] if gone else changed, rows=rows, counts=told | {"outside": outside})


def _relabelled(target: pl.Series, labels: Mapping[int, str]) -> pl.Series:
    if not labels:
        return target
    several = isinstance(target.dtype, pl.List)
    written = pl.Series([text.split(SEPARATOR) if several else text for text in labels.values()])
    new = written.cast(target.dtype, strict=False).alias(target.name)
    if new.null_count():
        raise DataError(
            f"A new label must fit the target {target.name!r}, which holds {target.dtype}. "
            f"Got {written.filter(new.is_null())[0]!r}. Apply corrections to the table as it is cast."
        )
    places = np.arange(len(target))
    places[list(labels)] = len(target) + np.arange(len(new))
    return pl.concat([target, new]).gather(places)
