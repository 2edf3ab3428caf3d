"""Texts unlike all others by their frozen vectors: how far each lies from the cloud of the rest."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tunewright.detectors.rows import Ints, Rows

if TYPE_CHECKING:
    from tunewright.learning.crossfit import Learned

Floats = np.ndarray[Any, np.dtype[np.float64]]
FEWEST, MOST = 200, 20_000  # rows
FOLDS = 5
SHRINK = 1.0  # the mean variance, added to each direction's own: directions in which texts hardly vary must not decide
FAR = 2.5  # times the way from the median to the 95th percentile; no text of nine real sets lay beyond 2.4


def unlike(rows: Rows) -> tuple[Ints, Floats, float] | None:
    """Distances of texts from the cloud of the others.

    Mahalanobis distances from mean and shrunken covariance of unit vectors, each row's from rows of other folds; test
    rows' from all others. O(n F²), at most 20,000 rows, drawn by the seed.

    Args:
        rows: with `learned`.

    Returns:
        (m,) row ids, (m,) distances, and the distance beyond which a text is unlike all others; None where there are
        no vectors of texts. A pair's vectors say how its texts differ, not what they say: None as well.
    """
    learned = rows.learned() if rows.table.features("text") and rows.table.pair is None else None
    if learned is None or not learned.width:
        return None
    picked = _picked(learned, rows)
    ids = learned.rows[picked]
    x = np.asarray(learned.features[picked][:, : learned.width], np.float64)
    x /= np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12)
    seen = np.isin(ids, rows.seen)
    if seen.sum() < FEWEST:
        return None
    clusters = np.unique(rows.clusters.labels[ids], return_inverse=True)[1]
    folds = (np.random.default_rng(rows.seed).permutation(clusters.max() + 1) % FOLDS)[clusters]
    distance = np.zeros(len(x))
    for fold in range(FOLDS):
        held = seen & (folds == fold)
        distance[held] = _distances(x[seen & ~held], x[held])
    distance[~seen] = _distances(x[seen], x[~seen])
    middle, high = np.quantile(distance[seen], [0.5, 0.95])
    return ids, distance, float(middle + FAR * (high - middle))


def _picked(learned: Learned, rows: Rows) -> Ints:
    count = len(learned.rows)
    if count <= MOST:
        return np.arange(count)
    return np.sort(np.random.default_rng(rows.seed).permutation(count)[:MOST])


def _distances(known: Floats, asked: Floats) -> Floats:
    mean = known.mean(0)
    covariance = np.cov(known - mean, rowvar=False)
    covariance += SHRINK * (np.trace(covariance) / len(covariance) or 1.0) * np.eye(len(covariance))
    root = np.linalg.cholesky(np.linalg.inv(covariance))
    return np.asarray(np.linalg.norm((asked - mean) @ root, axis=1))
