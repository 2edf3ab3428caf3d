"""Which rows a model learned from or was chosen on: a score on those flatters, so they are told when they come back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tunewright.bundle.preprocessor import Preprocessor
from tunewright.data import row_keys

Array = np.ndarray[Any, np.dtype[Any]]
BYTES = 8
MOST = 1_000_000


@dataclass(frozen=True, slots=True, eq=False)
class SeenRows:
    """Digests of the feature cells of train and validation rows.

    Args:
        marks: (m,) uint64, ascending. Of more than a million rows the lowest million are kept: digests are as good as
            random, so that rows up to the greatest of them are a fair sample of all.
    """

    marks: Array

    @classmethod
    def of(cls, raw: pl.DataFrame, preprocessor: Preprocessor) -> SeenRows:
        """Mark rows as they were read."""
        return cls(np.unique(row_marks(raw, preprocessor))[:MOST])

    def among(self, raw: pl.DataFrame, preprocessor: Preprocessor) -> Array:
        """(n,) whether the model has seen each row; a row beyond the kept sample counts as not seen."""
        return np.asarray(np.isin(row_marks(raw, preprocessor), self.marks))


def row_marks(raw: pl.DataFrame, preprocessor: Preprocessor) -> Array:
    """(n,) uint64 digests of the feature cells, cast as the model reads them: 1.0 and "1" are the same number."""
    features = [column.name for column in preprocessor.table.columns if column.role == "feature"]
    return row_keys(preprocessor.conform(raw), features, size=BYTES).view(np.uint64)[:, 0]
