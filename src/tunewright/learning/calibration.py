"""Outputs of closed-form fits as probabilities: a temperature for classes, slope and offset for each of many labels."""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
MOST = 5000  # rows that one number is fitted on
STEPS = 20


def softmax(logits: Array) -> Array:
    """(n, K) probabilities.

    >>> softmax(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]
    """
    powers = np.exp(logits - logits.max(1, keepdims=True))
    powers /= powers.sum(1, keepdims=True)
    return np.asarray(powers)


def sigmoid(logits: Array) -> Array:
    """Probabilities of the same shape.

    >>> sigmoid(np.array([0.0])).tolist()
    [0.5]
    """
    from scipy.special import expit

    return np.asarray(expit(logits))


def least_loss_temperature(outputs: Array, right: Array) -> tuple[float, float]:
    """What to divide outputs by for the least log loss, and that loss, on at most 5,000 rows drawn from all.

    Args:
        outputs: (n, K) out of fold.
        right: (n,) class numbers.

    Source: Guo et al. (2017), On calibration of modern neural networks.

    >>> temperature, loss = least_loss_temperature(np.array([[9.0, 0.0]] * 4), np.array([0, 0, 0, 1]))
    >>> round(9 / temperature, 2), round(loss, 2)  # the odds are three to one
    (1.1, 0.56)
    """
    from scipy.optimize import minimize_scalar

    drawn = np.random.default_rng(0).permutation(len(outputs))[:MOST]  # every n-th row may be every n-th class
    some, truth = np.asarray(outputs[drawn], np.float32), right[drawn]
    if not len(some):
        return 1.0, 0.0
    some = some - some.max(1, keepdims=True)
    own = some[np.arange(len(some)), truth]

    def loss(log_temperature: float) -> float:
        factor = np.float32(np.exp(-log_temperature))
        return float((np.log(np.exp(some * factor).sum(1)) - own * factor).mean())

    found = minimize_scalar(loss, bounds=(-6.0, 6.0), method="bounded", options={"xatol": 0.01})
    return float(np.exp(found.x)), float(found.fun)


def platt(outputs: Array, truth: Array) -> tuple[Array, Array]:
    """Slopes (K,) and offsets (K,) of one logistic regression per column of outputs, by damped Newton steps.

    Truth is smoothed towards one half by one row each way, so that a label with few rows is never certain; a slope is
    never negative.

    Args:
        outputs: (n, K) out of fold.
        truth: (n, K) of 0 and 1.

    Source: Platt (1999), Probabilistic outputs for support vector machines.
    """
    x, y = np.asarray(outputs, np.float64), np.asarray(truth, np.float64)
    mean, deviation = x.mean(0), np.maximum(x.std(0), 1e-9)
    x = (x - mean) / deviation
    positive = y.sum(0)
    y = np.where(y > 0, (positive + 1) / (positive + 2), 1 / (len(y) - positive + 2))
    share = y.mean(0)
    slope, offset = np.zeros(x.shape[1]), np.log(share / (1 - share))
    for _ in range(STEPS):
        p = sigmoid(x * slope + offset)
        w = np.maximum(p * (1 - p), 1e-6)
        d_slope, d_offset = (x * (p - y)).sum(0), (p - y).sum(0)
        a, b, c = (w * x * x).sum(0) + 1.0, (w * x).sum(0), w.sum(0) + 1e-6
        determinant = a * c - b * b
        slope = np.maximum(slope - np.clip((c * d_slope - b * d_offset) / determinant, -2, 2), 0.0)
        offset = offset - np.clip((a * d_offset - b * d_slope) / determinant, -2, 2)
    return slope / deviation, offset - slope * mean / deviation
