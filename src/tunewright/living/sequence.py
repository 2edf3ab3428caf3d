"""Looking again and again without fooling oneself: evidence that may be read at any time."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What batches of rows have shown so far against the claim that nothing has changed.

    Args:
        wealth: of a gambler who bets against that claim and starts anew whenever he has lost money; 1 at the start.
        batches: how many were looked at.

    Alarm at a wealth of 1 / level: where nothing changes, the expected number of batches before that is at least
    1 / level (a Shiryaev-Roberts or CUSUM e-detector; Shin, Ramdas and Rinaldo 2023, E-detectors).
    """

    wealth: float = 1.0
    batches: int = 0

    def after(self, p_value: float) -> Evidence:
        """With one more batch, whose p-value does not depend on the batches before it.

        >>> Evidence().after(0.0005).wealth > 10, Evidence().after(0.9).wealth
        (True, 1.0)
        """
        wealth = max(self.wealth * bet(p_value), 1.0)
        return Evidence(wealth=wealth, batches=self.batches + 1)


def bet(p_value: float) -> float:
    """What a p-value pays: a number >= 0 whose mean is at most 1 where nothing has changed.

    The mixture of the calibrators κ p^(κ−1) over all κ in (0, 1) (Vovk and Wang 2021, E-values: calibration,
    combination and applications, section 2).

    >>> round(bet(0.01), 2), round(bet(0.5), 2), bet(1.0)
    (4.45, 0.64, 0.5)
    """
    p = min(max(p_value, 1e-12), 1.0)
    if p > 1 - 1e-9:
        return 0.5
    log = math.log(p)
    return (1 - p + p * log) / (p * log * log)
