"""Intervals around a number: Wilson for a proportion, the stratified bootstrap for everything else.

Legend: b resamples in a block, n rows.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunewright.errors import DataError
from tunewright.records import Score

# Cells of one block: float32 weights, int64 counts, float64 draws and int64 indices are 28 bytes a cell, so 56 MB.
_BLOCK_CELLS = 2_000_000
MOST_DIGITS = 8
SMALL = 1e-3  # below this, digits are counted from the first that is not zero
NOISE = 1e-12  # and below this they are rounding errors


def critical(level: float) -> float:
    """Two-sided normal quantile: how many standard errors an interval of this level reaches to either side.

    >>> round(critical(0.95), 3)
    1.96
    """
    if not 0.0 < level < 1.0:
        raise DataError(f"The level of an interval must lie between 0 and 1. Got {level}. Use 0.95.")
    return NormalDist().inv_cdf((1.0 + level) / 2.0)


def wilson(successes: float, n: float, *, level: float = 0.95) -> Score:
    """Proportion with Wilson's score interval, which stays inside [0, 1] and never has width zero.

    Args:
        successes: how many of the trials succeeded, 0 to n (fractions are allowed: weighted rows).
        n: trials, above 0.
        level: coverage of the interval.

    Raises:
        DataError: there is no trial, or more successes than trials.

    Source: Wilson (1927), Probable inference, the law of succession, and statistical inference. JASA 22, 209-212.

    >>> s = wilson(9, 10)
    >>> round(s.value, 3), round(s.low, 3), round(s.high, 3), s.n
    (0.9, 0.596, 0.982, 10)
    """
    if not (n > 0 and 0 <= successes <= n):
        raise DataError(f"A proportion needs 0 <= successes <= n and n > 0. Got {successes} of {n}. Count rows again.")
    z2 = critical(level) ** 2
    share = successes / n
    middle = (share + z2 / (2 * n)) / (1 + z2 / n)
    half = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    # At 0 and n one end is the value itself; rounding must not push it past the value.
    low, high = min(share, max(0.0, middle - half)), max(share, min(1.0, middle + half))
    return Score(value=share, low=low, high=high, n=round(n))


def bootstrap_weights(
    n: int, *, strata: NDArray[Any] | None = None, rounds: int = 1000, seed: int = 0
) -> Iterator[NDArray[np.float32]]:
    """How often each row is drawn in each bootstrap resample, in blocks whose making stays below 64 MB.

    The same n, strata, rounds and seed give the same weights, so that numbers computed from them are paired.

    Args:
        n: rows, at least 1.
        strata: (n,) integers; each resample draws as many rows from a stratum as it has. None: one stratum.
        rounds: resamples in all.
        seed: of the random draws.

    Yields:
        (b, n) float32 counts; each of its rows sums to n. Stored column-major: `.T` is contiguous. A block holds at
        least one resample, however many rows that takes.

    Source: Efron & Tibshirani (1993), An Introduction to the Bootstrap; Davison & Hinkley (1997), 3.2 (strata).

    >>> [block.shape for block in bootstrap_weights(3, rounds=5)]
    [(5, 3)]
    >>> next(bootstrap_weights(3, strata=np.array([0, 1, 1]), rounds=5))[:, 0].tolist()
    [1.0, 1.0, 1.0, 1.0, 1.0]
    """
    if n < 1 or rounds < 1:
        raise DataError(
            f"A bootstrap needs rows and rounds. Got {n} rows, {rounds} rounds. Give it at least one of each."
        )
    codes = np.zeros(n, dtype=np.int64) if strata is None else np.unique(strata, return_inverse=True)[1].reshape(-1)
    if len(codes) != n:
        raise DataError(f"Strata must name one stratum per row. Got {len(codes)} for {n} rows.")
    order = np.argsort(codes, kind="stable")
    size = np.bincount(codes)
    start = np.concatenate(([0], np.cumsum(size)[:-1]))[codes[order]].astype(np.float64)
    span = size[codes[order]].astype(np.float64)
    rng = np.random.default_rng(seed)
    block = max(1, _BLOCK_CELLS // n)
    for first in range(0, rounds, block):
        yield _block(rng, min(block, rounds - first), (order, start, span))


def _block(
    rng: np.random.Generator, rounds: int, plan: tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]
) -> NDArray[np.float32]:
    order, start, span = plan
    n = len(order)
    # Slot i of a resample draws from slot i's stratum: floor(u * size) + start, a position in the sorted order.
    draws = rng.random((rounds, n))
    draws *= span
    np.floor(draws, out=draws)
    draws += start
    cells = order[draws.astype(np.int64)]
    del draws
    cells *= rounds
    cells += np.arange(rounds)[:, None]
    counts = np.bincount(cells.reshape(-1), minlength=n * rounds)
    del cells
    return counts.astype(np.float32).reshape(n, rounds).T


def percentile_interval(samples: ArrayLike, level: float = 0.95) -> tuple[float, float]:
    """Ends of the central share `level` of bootstrap values; those that are not finite (undefined) are left out.

    Raises:
        DataError: no value is finite.

    >>> percentile_interval([0.0, 1.0, 2.0, 3.0, 4.0, float("nan")], 0.5)
    (1.0, 3.0)
    """
    values = np.asarray(samples, dtype=np.float64)
    finite = values[np.isfinite(values)]
    if not len(finite):
        raise DataError(
            "A percentile interval needs at least one finite value. Got none. The metric is undefined here."
        )
    low, high = np.quantile(finite, [(1.0 - level) / 2.0, (1.0 + level) / 2.0])
    return float(low), float(high)


def rounded(score: Score, *, beside: float | None = None) -> str:
    """Text of a score with as many digits as its interval supports: two significant digits of the interval's width.

    Args:
        score: value, interval, n.
        beside: a threshold it will be read against; digits are added until rounding hides on no side of it.

    >>> rounded(Score(value=0.91234, low=0.9031, high=0.9214, n=3080))
    '0.912 (0.903–0.921, n 3,080)'
    >>> rounded(Score(value=51234.5, low=50100.0, high=52300.0, n=90))
    '51,200 (50,100–52,300, n 90)'
    >>> rounded(Score(value=2.13e-9, low=1.9e-9, high=2.4e-9, n=90))
    '2.13e-09 (1.9e-09 to 2.4e-09, n 90)'
    """
    width, most = score.high - score.low, max(abs(score.low), abs(score.high))
    digits = 3 if width <= 0 or most < NOISE else 1 - math.floor(math.log10(width))
    if digits > MOST_DIGITS and most < SMALL:
        return f"{score.value:.3g} ({score.low:.3g} to {score.high:.3g}, n {score.n:,})"
    digits = min(MOST_DIGITS, digits)
    if beside is not None:
        while digits < MOST_DIGITS and any(round(x, digits) == beside != x for x in (score.low, score.high)):
            digits += 1
    value, low, high = (_number(x, digits) for x in (score.value, score.low, score.high))
    dash = " to " if score.low < 0 else "–"
    return f"{value} ({low}{dash}{high}, n {score.n:,})"


def figure(value: float) -> str:
    """Text of a number that has no interval, as in progress: three decimals, or three digits where units are small.

    >>> figure(0.9342), figure(0.0), figure(0.00012), figure(-51234.5678)
    ('0.934', '0.000', '0.00012', '-51234.568')
    """
    return f"{value:.3g}" if NOISE < abs(value) < SMALL else f"{value:.3f}"


def _number(value: float, digits: int) -> str:
    return f"{round(value, digits) + 0.0:,.{max(0, digits)}f}"
