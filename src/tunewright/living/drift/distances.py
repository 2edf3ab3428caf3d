"""Squared distances between all pooled vectors: what the tests in feature space share."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]


def squared_distances(vectors: Array) -> Array:
    """(N, N) float32, symmetric, zero on the diagonal. Memory 4 N² bytes: the caller bounds N.

    >>> squared_distances(np.array([[0.0, 0.0], [3.0, 4.0]]))
    array([[ 0., 25.],
           [25.,  0.]], dtype=float32)
    """
    v = np.asarray(vectors, np.float32)
    v = v - v.mean(0)
    squares = (v * v).sum(1)
    found = squares[:, None] + squares[None, :] - 2 * (v @ v.T)
    np.maximum(found, 0, out=found)
    np.fill_diagonal(found, 0)
    return np.asarray(found)


def typical_distance(squared: Array) -> float:
    """Median squared distance of two different rows; 1 where all rows are equal."""
    rows = len(squared)
    some = squared[np.triu_indices(min(rows, 500), 1)] if rows > 1 else np.ones(1)
    positive = some[some > 0]
    return float(np.median(positive)) if len(positive) else 1.0
