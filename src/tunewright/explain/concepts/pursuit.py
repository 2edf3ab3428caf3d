"""Candidate directions of a cloud of points: those along which few points lie far out, or all in two camps.

Every candidate is a local maximum of how far from a bell curve the points lie along it, reached by fixed-point steps
from many of the points. Candidates need not be at right angles, as independent components are: three classes of a
fine-tuned model lie at 120 degrees in a plane, and no two right angles can name them.

Source: Hyvärinen (1999), Fast and robust fixed-point algorithms for independent component analysis (both steps);
Anandkumar et al. (2014), Tensor decompositions for learning latent variable models (skewness alone finds clusters and
sparse parts; starting from data); Kolda & Mayo (2011) (the shift that keeps the steps from jumping to and fro).

Shapes: n points, R axes, S starts, C candidates.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
STARTS = 100  # a part that 3 % of the points have is started from in 95 % of all draws
STEPS = 40
# Candidates nearer than this are taken for one; a cosine of 0.5 leaves no two of them the same story told twice.
DISTINCT = 0.5
TINY = 1e-12


def far_out(white: Array, rng: np.random.Generator) -> Array:
    """(C, R) unit directions, the strongest first, each towards its longer tail; at most R.

    Args:
        white: (n, R) points of mean zero and covariance one.
        rng: draws the points to start from.

    >>> rng = np.random.default_rng(0)
    >>> points = rng.normal(size=(500, 2)) * 0.1 + (rng.random((500, 1)) < 0.1) * [1.0, 0.0]
    >>> bool(far_out((points - points.mean(0)) / points.std(0), rng)[0, 0] > 0.99)
    True
    """
    starts = unit(white[rng.choice(len(white), min(STARTS, len(white)), replace=False)])
    found = np.concatenate([_climb(white, starts, step) for step in (by_skewness, by_camps)])
    places = white @ found.T
    skewness = (places**3).mean(0)
    found *= np.where(skewness < 0, -1.0, 1.0)[:, None]
    # Long tails alone, however heavy, are no camp: one odd point has them.
    camps = (3 - (places**4).mean(0)) / np.sqrt(24)
    strength = np.maximum(np.abs(skewness) / np.sqrt(6), camps)
    kept: list[int] = []
    for place in np.argsort(-strength, kind="stable"):
        if len(kept) < white.shape[1] and (found[kept] @ found[place]).max(initial=-1.0) < DISTINCT:
            kept.append(int(place))
    return found[kept]


def by_skewness(white: Array, found: Array) -> Array:
    """One step up the third moment of the points along each of (S, R) directions."""
    squares = (white @ found.T) ** 2
    slope = squares.T @ white / len(white)
    return np.asarray(slope + (slope * found).sum(1, keepdims=True) * found)


def by_camps(white: Array, found: Array) -> Array:
    """One step of FastICA with the log-cosh contrast, which sees two camps of one size where skewness sees nothing."""
    bent = np.tanh(white @ found.T)
    return np.asarray(bent.T @ white / len(white) - (1 - bent**2).mean(0)[:, None] * found)


def unit(rows: Array) -> Array:
    """Rows of length one; those of length zero stay."""
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), TINY))


def _climb(white: Array, starts: Array, step: Callable[[Array, Array], Array]) -> Array:
    found = starts
    for _ in range(STEPS):
        found = unit(step(white, found))
    return found
