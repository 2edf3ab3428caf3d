"""How small a difference a test set can show, and how many rows a difference needs.

Both speak of a paired comparison of two accuracies (McNemar's test). What decides is the share of rows on which exactly
one of the two is right. Before there are predictions it is assumed: two models of accuracy p whose being right
correlates by `correlation` disagree that way on 2·p·(1 − p)·(1 − correlation) of the rows, and never on fewer rows
than their difference.
"""

from __future__ import annotations

import math
from statistics import NormalDist

from tunewright.errors import DataError
from tunewright.stats.intervals import critical


def smallest_detectable_difference(
    n: int, *, p: float, power: float = 0.8, level: float = 0.95, correlation: float = 0.5
) -> float:
    """Smallest difference in accuracy that n paired rows show with this power.

    Args:
        n: test rows, at least 1.
        p: the accuracy expected, 0 to 1.
        power: chance of showing a difference of that size.
        level: 1 − the two-sided error rate of the test.
        correlation: of the two models' being right, 0 (unrelated) to below 1; 0.5 is usual for models of one family.

    Returns:
        A share of rows (0.02 is two points); 1.0 where n is too small to show anything.

    Raises:
        DataError: an argument is outside its range.

    Source: Connor (1987), Sample size for testing differences in proportions for the paired-sample design.
    Biometrics 43, 207-211.

    >>> round(smallest_detectable_difference(1000, p=0.9), 3)
    0.027
    """
    if n < 1:
        raise DataError(f"Needs test rows. Got n = {n}. Set aside a larger test part.")
    low, high = 0.0, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        enough = _rows(middle, p=p, power=power, level=level, correlation=correlation) <= n
        low, high = (low, middle) if enough else (middle, high)
    return high


def rows_needed(
    difference: float, *, p: float, power: float = 0.8, level: float = 0.95, correlation: float = 0.5
) -> int:
    """Paired test rows needed to show a difference in accuracy; the inverse of `smallest_detectable_difference`.

    Args:
        difference: in accuracy, in (0, 1]; its sign does not matter.
        p: the accuracy expected, 0 to 1.
        power: chance of showing it.
        level: 1 − the two-sided error rate of the test.
        correlation: of the two models' being right, 0 to below 1.

    Raises:
        DataError: an argument is outside its range.

    >>> rows_needed(0.01, p=0.9)
    7062
    """
    return math.ceil(_rows(abs(difference), p=p, power=power, level=level, correlation=correlation) - 1e-9)


def _rows(difference: float, *, p: float, power: float, level: float, correlation: float) -> float:
    if not (0 < difference <= 1 and 0 <= p <= 1 and 0 < power < 1 and 0 <= correlation < 1):
        raise DataError(
            "Needs a difference in (0, 1], p in [0, 1], power in (0, 1) and correlation in [0, 1). "
            f"Got {difference}, {p}, {power}, {correlation}."
        )
    discordant = max(difference, 2 * p * (1 - p) * (1 - correlation))
    spread = math.sqrt(max(0.0, discordant - difference**2))
    reach = critical(level) * math.sqrt(discordant) + NormalDist().inv_cdf(power) * spread
    return (reach / difference) ** 2
