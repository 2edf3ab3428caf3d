"""Out-of-fold answers: what a linear model that never saw a row says of it, from closed-form fits on frozen features.

Shapes: n rows, F features, K outputs, k folds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tunewright.learning.cut import Cut

Array = np.ndarray[Any, np.dtype[Any]]
# Ridge penalties per row of standardised features, as shares of the features' mean square.
PENALTIES = (0.001, 0.01, 0.1, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """What was learned of all rows of a table without any row judging itself.

    Args:
        rows: (m,) ids of the rows that are in a part, ascending; everything below is in their order.
        features: (m, F) float32 joined frozen vectors, then fitted dense features.
        width: how many of the columns are the encoder's; 0 without text.
        targets: (m,) class numbers, −1 unknown; (m, K) of 0 and 1; or (m,) scaled values.
        labels: names of the K classes or labels; empty for regression.
        probabilities: (m, K) out-of-fold probabilities; regression: (m, 1) out-of-fold scaled values.
        folds: (m,) the fold in which each row was held out; −1 for rows that no fit has seen.
        clusters: (m,) rows of one number were held out together.
        cut: tokens of each row before and after cutting; None without text.
    """

    rows: Array
    features: Array
    width: int
    targets: Array
    labels: tuple[str, ...]
    probabilities: Array
    folds: Array
    clusters: Array
    cut: Cut | None = None

    def among(self, rows: Array) -> Learned:
        """The same of some rows only, given by their ids."""
        kept = np.isin(self.rows, rows)
        return replace(
            self,
            rows=self.rows[kept],
            features=self.features[kept],
            targets=self.targets[kept],
            probabilities=self.probabilities[kept],
            folds=self.folds[kept],
            clusters=self.clusters[kept],
            cut=self.cut.among(rows) if self.cut is not None else None,
        )


def deal_folds(clusters: Array, strata: Array, *, folds: int, seed: int) -> Array:
    """Deal rows out to folds of about equal size, clusters whole, every stratum spread as evenly as they allow.

    Args:
        clusters: (n,) rows of one number stay together.
        strata: (n,) what should be spread: class numbers, or bins of a value.
        folds: how many.
        seed: of the order in which equal clusters are dealt.

    Returns:
        (n,) fold of each row, 0 to folds − 1.

    >>> deal_folds(np.arange(6), np.array([0, 0, 0, 1, 1, 1]), folds=3, seed=0).tolist()
    [1, 0, 2, 0, 1, 2]
    """
    units, unit_of = np.unique(clusters, return_inverse=True)
    size = np.bincount(unit_of)
    first = np.zeros(len(units), np.int64)
    first[unit_of[::-1]] = np.arange(len(clusters))[::-1]
    stratum = np.asarray(strata)[first]
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(units))
    order = order[np.lexsort((-size[order], stratum[order]))]
    fold_of, total = np.zeros(len(units), np.int64), np.zeros(folds, np.int64)
    for run in np.split(order, np.flatnonzero(np.diff(stratum[order])) + 1):
        held = np.zeros(folds, np.int64)
        for unit in run:
            fold = int(np.lexsort((rng.random(folds), total, held))[0])
            fold_of[unit] = fold
            held[fold] += size[unit]
            total[fold] += size[unit]
    return fold_of[unit_of]


@dataclass(frozen=True, slots=True, eq=False)
class Moments:
    """Weighted sums over rows from which a ridge fit follows: they add up and subtract over folds.

    Args:
        weight: sum of weights.
        x_F: weighted sum of features.
        y_K: weighted sum of targets.
        xx_FF: weighted sum of products of features.
        xy_FK: of features and targets.
    """

    weight: float
    x_F: Array
    y_K: Array
    xx_FF: Array
    xy_FK: Array

    @classmethod
    def of(cls, x_nF: Array, y_nK: Array, weights: Array | None = None) -> Moments:
        """Sum over rows, in float64."""
        x, y = np.asarray(x_nF, np.float64), np.asarray(y_nK, np.float64)
        w = np.ones(len(x)) if weights is None else np.asarray(weights, np.float64)
        weighted = x * w[:, None]
        return cls(float(w.sum()), weighted.sum(0), (y * w[:, None]).sum(0), weighted.T @ x, weighted.T @ y)

    def plus(self, other: Moments, sign: int = 1) -> Moments:
        """The sums over both; with sign −1 those of the rows of `self` that are not `other`'s."""
        return Moments(
            self.weight + sign * other.weight,
            self.x_F + sign * other.x_F,
            self.y_K + sign * other.y_K,
            self.xx_FF + sign * other.xx_FF,
            self.xy_FK + sign * other.xy_FK,
        )

    def only(self, features: Array) -> Moments:
        """The sums of some features, given by their places: a part of these sums.

        >>> Moments.of(np.eye(3), np.ones((3, 1))).only(np.array([0, 2])).xx_FF.tolist()
        [[1.0, 0.0], [0.0, 1.0]]
        """
        block = self.xx_FF[np.ix_(features, features)]
        return Moments(self.weight, self.x_F[features], self.y_K, block, self.xy_FK[features])

    def solve(self, penalty: float) -> tuple[Array, Array]:
        """Weights (F, K) and bias (K,) of the ridge fit; the penalty is a share of the features' mean variance."""
        n = max(self.weight, 1e-9)
        mean_x, mean_y = self.x_F / n, self.y_K / n
        covariance = self.xx_FF / n - np.outer(mean_x, mean_x)
        cross = self.xy_FK / n - np.outer(mean_x, mean_y)
        scale = float(np.trace(covariance)) / len(covariance) or 1.0
        weight = np.linalg.solve(covariance + (penalty * scale + 1e-9) * np.eye(len(covariance)), cross)
        return weight, mean_y - mean_x @ weight


def out_of_fold(
    x_nF: Array,
    y_nK: Array,
    folds: Array,
    *,
    penalty: float,
    weights: Array | None = None,
    scored_x: Array | None = None,
) -> Array:
    """(n, K) predictions of each row by the ridge fit of all other folds.

    Cost: n F² for the sums, k F³ for the fits; independent of how often labels or weights are varied otherwise.

    Args:
        x_nF: features that are learned from.
        y_nK: targets.
        folds: (n,) fold of each row.
        penalty: as in `Moments.solve`.
        weights: (n,) importance in learning; a row of weight 0 is not learned from.
        scored_x: (n, F) features that are predicted for, where they differ.
    """
    scored = x_nF if scored_x is None else scored_x
    out = np.zeros((len(x_nF), y_nK.shape[1]))
    for held, sums in FoldSums.of(x_nF, y_nK, folds, weights).held_out():
        weight, bias = sums.solve(penalty)
        out[held] = np.asarray(scored[held], np.float64) @ weight + bias
    return out


@dataclass(frozen=True, slots=True, eq=False)
class FoldSums:
    """Sums over the rows of each fold; those of a table that differs in a few rows follow from them.

    Args:
        x_nF: features.
        y_nK: targets.
        weights: (n,) importance of the rows.
        rows: ids of each fold's rows.
        parts: their sums.
    """

    x_nF: Array
    y_nK: Array
    weights: Array
    rows: tuple[Array, ...]
    parts: tuple[Moments, ...]

    @classmethod
    def of(cls, x_nF: Array, y_nK: Array, folds: Array, weights: Array | None = None) -> FoldSums:
        """Sum fold by fold; cost n F²."""
        w = np.ones(len(x_nF)) if weights is None else np.asarray(weights, np.float64)
        rows = tuple(np.flatnonzero(folds == fold) for fold in np.unique(folds))
        return cls(x_nF, y_nK, w, rows, tuple(Moments.of(x_nF[held], y_nK[held], w[held]) for held in rows))

    def changed(self, y_nK: Array, weights: Array) -> FoldSums:
        """The sums with other targets and weights; cost m F² for the m rows in which they differ.

        >>> sums = FoldSums.of(np.eye(4), np.ones((4, 1)), np.array([0, 0, 1, 1]))
        >>> other = sums.changed(np.array([[1.0], [1.0], [1.0], [5.0]]), np.array([1.0, 0.0, 1.0, 1.0]))
        >>> [part.weight for part in other.parts], float(other.parts[1].y_K[0])
        ([1.0, 2.0], 6.0)
        """
        differs = (self.weights != weights) | (self.y_nK != y_nK).any(1)
        parts = []
        for held, part in zip(self.rows, self.parts, strict=True):
            rows = held[differs[held]]
            if 3 * len(rows) > len(held):
                parts.append(Moments.of(self.x_nF[held], y_nK[held], weights[held]))
                continue
            x = self.x_nF[rows]
            without = part.plus(Moments.of(x, self.y_nK[rows], self.weights[rows]), -1)
            parts.append(without.plus(Moments.of(x, y_nK[rows], weights[rows])))
        return FoldSums(self.x_nF, y_nK, weights, self.rows, tuple(parts))

    def held_out(self) -> Iterator[tuple[Array, Moments]]:
        """Each fold's rows, and the sums over all other rows."""
        whole = self.parts[0]
        for part in self.parts[1:]:
            whole = whole.plus(part)
        for held, part in zip(self.rows, self.parts, strict=True):
            yield held, whole.plus(part, -1)


def one_hot(targets: Array, classes: int) -> Array:
    """(n, classes) of 0 and 1; a row of class −1 is all zeros.

    >>> one_hot(np.array([1, -1]), 2).tolist()
    [[0.0, 1.0], [0.0, 0.0]]
    """
    return np.asarray(targets[:, None] == np.arange(classes), np.float64)
