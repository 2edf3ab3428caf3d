"""Linear discriminant analysis from sums over rows: classes as clouds of one shape around their means, in closed form.

Shapes: n rows, F features, K classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tunewright.learning.crossfit import Moments

Array = np.ndarray[Any, np.dtype[Any]]
UNSEEN = 0.5  # rows that a class without any is taken to have


def discriminants(sums: Moments, penalties: Sequence[float]) -> list[tuple[Array, Array]]:
    """Weights (F, K) and bias (K,) of the log posteriors, up to a constant per row, one pair per penalty.

    All penalties share one eigendecomposition. Cost: F³ once, F² K per penalty.

    Args:
        sums: over rows whose targets are one-hot; rows of no class must have weight 0.
        penalties: added to the covariance within classes, as shares of its mean variance.

    Source: Fisher (1936); the ridge on the covariance: Friedman (1989), Regularized discriminant analysis. JASA 84.

    >>> x, y = np.array([[0.0], [1.0], [4.0], [5.0]]), np.array([[1, 0], [1, 0], [0, 1], [0, 1]])
    >>> (weight, bias), = discriminants(Moments.of(x, y), [0.0])
    >>> bool((np.array([2.4]) @ weight + bias).argmax() == 0)
    True
    """
    n = max(sums.weight, 1e-9)
    mean_F = sums.x_F / n
    there = sums.y_K > 0
    mean_KF = np.where(there[:, None], (sums.xy_FK / np.where(there, sums.y_K, 1)).T, mean_F)
    within = sums.xx_FF / n - (mean_KF.T * (sums.y_K / n)) @ mean_KF
    values, vectors = np.linalg.eigh(within)
    scale = float(np.trace(within)) / len(within) or 1.0
    prior = np.log(np.maximum(sums.y_K, UNSEEN) / n)
    apart = (mean_KF - mean_F) @ vectors
    found = []
    for penalty in penalties:
        shrunk = apart / (np.maximum(values, 0) + penalty * scale + 1e-9)
        weight = vectors @ shrunk.T
        bias = prior - 0.5 * (shrunk * apart).sum(1) - mean_F @ weight
        found.append((weight, bias))
    return found
