"""Categories: the likelihood-ratio statistic of two vectors of counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tunewright.living.drift.aspects import Aspect
from tunewright.living.drift.statistics import Statistic, rows_of

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class GTest:
    """G = 2 Σ observed ln(observed / expected) over categories and both sides.

    Args:
        least: rows of a category among all; rarer ones are taken together.
    """

    kind: ClassVar[str] = "g_test"
    reads: ClassVar[str] = "category"
    least: int = 5

    def prepare(self, aspect: Aspect) -> Statistic | None:
        """None where there is one category."""
        codes, counts = np.unique(aspect.values, return_inverse=True, return_counts=True)[1:]
        rare = counts < self.least
        place = np.where(rare, len(counts), np.arange(len(counts)))
        codes = np.unique(place[codes], return_inverse=True)[1]
        if codes.max(initial=0) == 0:
            return None
        held = np.eye(int(codes.max()) + 1, dtype=np.float32)[codes]
        total = held.sum(0, dtype=np.float64)

        def statistic(masks: Array) -> Array:
            from scipy.special import xlogy

            new, old = rows_of(masks)
            ours = (masks.astype(np.float32) @ held).astype(np.float64)
            theirs = total - ours
            expected = total / len(codes)
            return np.asarray(
                2 * (xlogy(ours, ours / (expected * new)) + xlogy(theirs, theirs / (expected * old))).sum(1)
            )

        return statistic
