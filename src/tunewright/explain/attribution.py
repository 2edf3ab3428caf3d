"""What an explanation method gives for one row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Attribution:
    """Weights of a row's units; positive ones push towards what is explained.

    Args:
        words: (U,) of its words.
        columns: (C,) of its table cells.
        texts: of each text column as a whole.
        output: the model's score of the row.
        empty: its score with everything taken out.
        gap: integrated gradients: how far the weights are from adding up, in the score's unit; otherwise None.
        whole: integrated gradients: what they have to add up to; otherwise None.
    """

    words: Array
    columns: Array
    texts: Mapping[str, float]
    output: float
    empty: float
    gap: float | None = None
    whole: float | None = None

    @property
    def units(self) -> Array:
        """(U + C,) words, then columns."""
        return np.concatenate([self.words, self.columns])
