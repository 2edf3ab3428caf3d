"""Numbers: the two-sample Anderson-Darling statistic, which sees the tails as well as the middle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tunewright.living.drift.aspects import Aspect
from tunewright.living.drift.statistics import Statistic, rows_of

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AndersonDarling:
    """The weighted squared distance of two distribution functions; empty cells are one value below all others.

    Source: Scholz and Stephens (1987), K-sample Anderson-Darling tests, JASA 82, with ties, for two samples. Sorting
    is done once; each choice of new rows costs N.
    """

    kind: ClassVar[str] = "anderson_darling"
    reads: ClassVar[str] = "number"

    def prepare(self, aspect: Aspect) -> Statistic | None:
        """None where all values are equal."""
        values = np.where(np.isfinite(aspect.values), aspect.values, -np.inf)
        order = np.argsort(values, kind="stable")
        ends = np.flatnonzero(np.append(values[order][1:] != values[order][:-1], True))
        if len(ends) < 2:
            return None
        sizes = np.diff(np.append(-1, ends)).astype(np.float64)[:-1]
        up_to, rows = (ends[:-1] + 1).astype(np.float64), len(values)
        weight = sizes / (up_to * (rows - up_to))

        def statistic(masks: Array) -> Array:
            new, old = rows_of(masks)
            below = np.cumsum(masks[:, order], axis=1, dtype=np.int32)[:, ends[:-1]]
            apart = below * float(rows) - new * up_to
            return np.asarray((apart**2 * weight).sum(1) / (new * old)[:, 0])

        return statistic
