"""Vectors: whether a linear classifier, judged on rows it has not seen, tells new rows from old ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tunewright.living.drift.aspects import Aspect
from tunewright.living.drift.statistics import Statistic

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Classifier:
    """N r², r the correlation of which side a row is on with its leave-one-out ridge answer; 0 where r is negative.

    Source: Lopez-Paz and Oquab (2017), Revisiting classifier two-sample tests. Leave-one-out answers of a ridge
    regression need one factorisation for all choices of new rows; each choice costs N² in one matrix product.

    Args:
        penalty: per row, of vectors scaled to a mean square of 1 per row.
    """

    kind: ClassVar[str] = "classifier"
    reads: ClassVar[str] = "vector"
    penalty: float = 0.03

    def prepare(self, aspect: Aspect) -> Statistic | None:
        """None where all vectors are equal."""
        hat = hat_matrix(aspect.values, self.penalty)
        if hat is None:
            return None
        own = np.diag(hat).astype(np.float64)

        def statistic(masks: Array) -> Array:
            answers = left_out(masks, hat, own)
            return np.asarray(np.maximum(_correlation(masks.astype(np.float64), answers), 0) ** 2 * masks.shape[1])

        return statistic


def hat_matrix(vectors: Array, penalty: float) -> Array | None:
    """(N, N) float32 that maps centred targets to a ridge regression's fitted values; None where all rows are equal."""
    from scipy.linalg import cho_factor, cho_solve

    x = np.asarray(vectors, np.float64)
    x = x - x.mean(0)
    size = float((x * x).sum(1).mean())
    if size <= 0:
        return None
    x /= size**0.5
    rows, width = x.shape
    if width < rows:
        factor = cho_factor(x.T @ x + penalty * rows * np.eye(width))
        return np.asarray(x @ cho_solve(factor, x.T), np.float32)
    gram = x @ x.T
    return np.asarray(cho_solve(cho_factor(gram + penalty * rows * np.eye(rows)), gram), np.float32)


def left_out(masks: Array, hat: Array, own: Array) -> Array:
    """(B, N) answers for each row by the regression that did not see it; +: like the new ones.

    The mean counts among what is fitted: its share of each diagonal entry is 1 / N.
    """
    side = masks - masks.mean(1, keepdims=True)
    fitted = side.astype(np.float32) @ hat
    leverage = np.minimum(own + 1 / masks.shape[1], 0.999)
    return np.asarray((fitted - leverage * side) / (1 - leverage))


def _correlation(a: Array, b: Array) -> Array:
    a, b = a - a.mean(1, keepdims=True), b - b.mean(1, keepdims=True)
    spread = np.sqrt((a * a).sum(1) * (b * b).sum(1))
    return np.asarray((a * b).sum(1) / np.maximum(spread, 1e-12))
