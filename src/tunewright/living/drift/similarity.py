"""Vectors: the maximum mean discrepancy, with Gaussian kernels of two widths."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tunewright.living.drift.aspects import Aspect
from tunewright.living.drift.distances import typical_distance
from tunewright.living.drift.statistics import Statistic, rows_of

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanDiscrepancy:
    """nm / (n + m) times the squared distance of the two means in the kernel's space.

    Source: Gretton et al. (2012), A kernel two-sample test, JMLR 13. The kernel matrix is computed once, each choice of
    new rows costs N² additions in one matrix product.

    Args:
        widths: of the kernels, as shares of the median squared distance; their mean is the kernel.
    """

    kind: ClassVar[str] = "mmd"
    reads: ClassVar[str] = "vector"
    widths: tuple[float, ...] = (1.0, 0.25)

    def prepare(self, aspect: Aspect) -> Statistic | None:
        """None where all vectors are equal."""
        squared = aspect.squared
        if not squared.any():
            return None
        unit = typical_distance(squared)
        kernel = sum(np.exp(squared / np.float32(-2 * width * unit)) for width in self.widths)
        kernel = np.asarray(kernel, np.float32) / len(self.widths)
        each, whole = kernel.sum(1, dtype=np.float64), float(kernel.sum(dtype=np.float64))

        def statistic(masks: Array) -> Array:
            new, old = rows_of(masks)
            chosen = masks.astype(np.float32)
            inside = ((chosen @ kernel) * chosen).sum(1, dtype=np.float64)
            across = chosen @ each - inside
            outside = whole - inside - 2 * across
            n, m = new[:, 0], old[:, 0]
            apart = inside / n**2 + outside / m**2 - 2 * across / (n * m)
            return np.asarray(np.maximum(apart, 0) * n * m / (n + m))

        return statistic
