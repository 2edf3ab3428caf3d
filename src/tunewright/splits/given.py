"""Honour a given split; parts that are not given are split off from train."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.errors import DataError, PlanError
from tunewright.records import PARTS, Split, Table
from tunewright.splits.clusters import Clusters
from tunewright.splits.proof import split_of
from tunewright.splits.shingles import Ints
from tunewright.splits.strata import Strata
from tunewright.splits.stratified import spread

NAMES = {"train": 0, "training": 0, "validation": 1, "valid": 1, "val": 1, "dev": 1, "test": 2, "testing": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """Rows are where the user put them.

    Validation or test rows that nobody gave are split off from the given train rows, stratified and in whole clusters.
    A row without a part trains. Nothing given moves: clusters in several parts are counted in the proof.

    Args:
        column: the column that names the part of each row: train, validation (valid, val, dev) or test.
        parts: the same per row, where the parts are files of their own; `column` then plays no part.
        validation: share of the given train rows, where no validation rows are given.
        test: share of the given train rows, where no test rows are given.
    """

    kind: ClassVar[str] = "given"
    column: str | None = None
    parts: Sequence[str] | None = field(default=None, repr=False, compare=False)
    validation: float = 0.15
    test: float = 0.15

    def split(self, frame: pl.DataFrame, table: Table, clusters: Clusters, strata: Strata, seed: int) -> Split:
        """Split the labelled rows as given.

        Raises:
            PlanError: the part column is not there.
            DataError: a part of another name, a part without labelled rows, or too few to split off the missing parts.
        """
        parts = np.where(strata.codes >= 0, self._numbers(frame), -1)
        train = np.flatnonzero(parts == 0)
        if not train.size:
            raise DataError(
                "A given split needs labelled train rows. Got none. Name the rows to train on 'train', or leave the "
                "given parts out."
            )
        shares = (
            0.0 if (parts == 1).any() else self.validation,
            0.0 if (parts == 2).any() else self.test,
        )
        if any(shares):
            parts[train] = spread(clusters.labels[train], strata.codes[train], shares=shares, seed=seed)
        _refuse_empty(parts)
        split_off = [name for name, share in zip(PARTS[1:], shares, strict=True) if share]
        return split_of(parts, clusters, strata, how=self.kind, more={"split_off": split_off})

    def _numbers(self, frame: pl.DataFrame) -> Ints:
        if self.parts is not None:
            names: Sequence[str | None] = list(self.parts)
            where = "the given parts"
        elif self.column in frame.columns:
            names = frame[self.column].cast(pl.String).to_list()
            where = f"column {self.column!r}"
        else:
            raise PlanError(
                f"splits.part must name a column of the data. Got {self.column!r}; there are "
                f"{', '.join(frame.columns)}. Correct the name or leave splits.part out."
            )
        numbers = [NAMES.get(name.strip().lower(), -1) if name else 0 for name in names]
        if -1 in numbers or len(numbers) != frame.height:
            wrong = numbers.index(-1) if -1 in numbers else min(len(numbers), frame.height)
            raise DataError(
                f"Each row's part must be train, validation (valid, val, dev) or test. Row {wrong} of {where} has "
                "another or none. Rename the parts, or choose another column."
            )
        return np.array(numbers, dtype=np.int64)


def _refuse_empty(parts: Ints) -> None:
    """A share of 0 splits nothing off: then the rows must be given. With folds, too, baselines choose on validation."""
    for number, part in enumerate(PARTS[1:], 1):
        if not (parts == number).any():
            raise DataError(
                f"A given split needs labelled {part} rows. Got none, and splits.{part}: 0 splits none off the train "
                f"rows. Name rows {part!r}, or write a share > 0 in splits.{part}, such as 0.15."
            )
