"""What a level of load gave, and where the curve of all levels has its knee."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunewright.serving.load import Sent

WARM = 0.1  # share of a level that is not counted: queues fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """Requests of one row at one rate.

    Args:
        rate: requests offered per second.
        answered: per second.
        refused: per second, with 429 or 503.
        lost: requests without an answer, or with another status.
        goodput: requests answered within the limit, per second.
        p50: seconds of an answered request, from when it was due; NaN where none was.
        p95: likewise.
        p99: likewise.
    """

    rate: float
    answered: float
    refused: float
    lost: int
    goodput: float
    p50: float
    p95: float
    p99: float


def level_of(sent: Sequence[Sent], *, rate: float, seconds: float, limit: float) -> Level:
    """Count what was sent at one rate for so many seconds.

    >>> sent = [Sent(due=n / 10, status=200 if n % 2 else 429, seconds=0.01 * n) for n in range(100)]
    >>> level = level_of(sent, rate=10, seconds=10, limit=0.5)
    >>> round(level.answered, 2), round(level.goodput, 2), level.lost
    (5.0, 2.22, 0)
    """
    counted = [one for one in sent if one.due >= WARM * seconds]
    span = seconds * (1 - WARM)
    good = [one.seconds for one in counted if one.status == 200]
    refused = sum(one.status in (429, 503) for one in counted)
    p50, p95, p99 = quantiles(good)
    return Level(
        rate=rate,
        answered=len(good) / span,
        refused=refused / span,
        lost=len(counted) - len(good) - refused,
        goodput=sum(one <= limit for one in good) / span,
        p50=p50,
        p95=p95,
        p99=p99,
    )


def quantiles(seconds: Sequence[float]) -> tuple[float, float, float]:
    """The 50 %, 95 % and 99 % quantiles; NaN of nothing."""
    if not seconds:
        return float("nan"), float("nan"), float("nan")
    p50, p95, p99 = np.quantile(np.array(seconds), [0.5, 0.95, 0.99]).tolist()
    return p50, p95, p99


def knee(levels: Sequence[Level]) -> float | None:
    """The highest rate at which 99 % of what was offered was answered in time; None where no level had that.

    Args:
        levels: by rising rate.
    """
    kept = [one.rate for one in levels if one.goodput >= 0.99 * (one.answered + one.refused) and not one.lost]
    return max(kept, default=None)
