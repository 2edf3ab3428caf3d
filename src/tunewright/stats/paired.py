"""Is a better than b on the same rows: McNemar, the paired bootstrap, the corrected resampled t-test."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunewright.errors import DataError
from tunewright.records import Score
from tunewright.stats.intervals import bootstrap_weights, percentile_interval


def mcnemar(a_correct: ArrayLike, b_correct: ArrayLike) -> float:
    """Exact two-sided p-value of McNemar's test that a and b are right equally often.

    Args:
        a_correct: (n,) booleans, row by row.
        b_correct: (n,) booleans of the same rows.

    Raises:
        DataError: the two do not speak of the same rows.

    Source: McNemar (1947), Psychometrika 12, 153-157; exact form: binomial with p = 1/2 on the discordant rows.

    >>> mcnemar([True] * 6, [False] * 6)
    0.03125
    >>> mcnemar([True, False], [True, False])
    1.0
    """
    from scipy.special import bdtr

    a, b = _same_rows(np.asarray(a_correct, dtype=bool), np.asarray(b_correct, dtype=bool))
    only_a, only_b = int((a & ~b).sum()), int((b & ~a).sum())
    return min(1.0, 2.0 * float(bdtr(min(only_a, only_b), only_a + only_b, 0.5)))


def bootstrap_p_value(samples: ArrayLike) -> float:
    """Two-sided p-value of bootstrap differences against zero: 2 · (1 + # on the rarer side) / (B + 1), at most 1.

    Source: Davison & Hinkley (1997), Bootstrap Methods and their Application, 4.2 (the added one).

    >>> round(bootstrap_p_value([1.0] * 999), 3)
    0.002
    >>> bootstrap_p_value([-1.0, 1.0])
    1.0
    """
    values = np.asarray(samples, dtype=np.float64)
    values = values[np.isfinite(values)]
    rarer = min(int((values <= 0).sum()), int((values >= 0).sum()))
    return min(1.0, 2.0 * (1 + rarer) / (len(values) + 1))


def paired_difference(
    a: ArrayLike, b: ArrayLike, *, strata: NDArray[Any] | None = None, rounds: int = 1000, seed: int = 0
) -> tuple[Score, float]:
    """Mean of a − b over rows that both speak of, its 95 % paired-bootstrap interval and two-sided p-value.

    Args:
        a: (n,) one number per row, for instance its loss or whether it was right.
        b: (n,) the same for the other model.
        strata: (n,) integers held constant in the resamples, or None.
        rounds: resamples.
        seed: of the resamples.

    Raises:
        DataError: no rows, different lengths, or a number that is not finite.

    >>> score, p = paired_difference([1.0, 2.0, 3.0], [0.5, 1.5, 2.5])
    >>> score.value, score.low, score.n
    (0.5, 0.5, 3)
    """
    left, right = _same_rows(np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64))
    row = left - right
    if not np.isfinite(row).all():
        raise DataError(f"Differences must be finite. Row {int(np.argmin(np.isfinite(row)))} is not. Leave it out.")
    value = float(row.mean())
    blocks = bootstrap_weights(len(row), strata=strata, rounds=rounds, seed=seed)
    samples = np.concatenate([weights @ row for weights in blocks]) / len(row)
    low, high = percentile_interval(samples)
    score = Score(value=value, low=min(low, value), high=max(high, value), n=len(row))
    return score, bootstrap_p_value(samples)


def nadeau_bengio(differences: ArrayLike, *, test_share: float, level: float = 0.95) -> Score:
    """Mean difference over folds or repeated splits with an interval that allows for their shared training rows.

    The variance of the mean is (1/k + test/train) · s², where a plain t-test takes s²/k and is far too sure.

    Args:
        differences: (k,) a − b on each fold or split, k at least 2.
        test_share: share of the rows tested on in one split (k folds: 1/k).
        level: coverage of the interval.

    Raises:
        DataError: fewer than two differences, or a share outside (0, 1).

    Source: Nadeau & Bengio (2003), Inference for the generalization error. Machine Learning 52, 239-281.

    >>> s = nadeau_bengio([0.01, 0.02, 0.03, 0.02, 0.02], test_share=0.2)
    >>> round(s.value, 3), round(s.low, 4), s.n
    (0.02, 0.0068, 5)
    """
    from scipy.special import stdtrit

    values = np.asarray(differences, dtype=np.float64)
    k = len(values)
    if k < 2 or not 0.0 < test_share < 1.0:
        raise DataError(f"Needs two differences and a test share in (0, 1). Got {k} and {test_share}. Add a split.")
    variance = (1.0 / k + test_share / (1.0 - test_share)) * float(values.var(ddof=1))
    half = float(stdtrit(k - 1, (1.0 + level) / 2.0)) * math.sqrt(variance)
    mean = float(values.mean())
    return Score(value=mean, low=mean - half, high=mean + half, n=k)


def _same_rows(a: NDArray[Any], b: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    if a.ndim != 1 or a.shape != b.shape or not len(a):
        raise DataError(f"A paired comparison needs the same rows. Got shapes {a.shape} and {b.shape}. Align them.")
    return a, b
