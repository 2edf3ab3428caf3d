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
