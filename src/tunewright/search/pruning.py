"""Which trials are given up early: successive halving, asynchronously (Li et al. 2020)."""

from __future__ import annotations

from collections.abc import Sequence

from tunewright.records import Trial

FACTOR = 2
FEWEST = 4


def lags(past: Sequence[Trial], step: int, value: float) -> bool:
    """Whether a trial that stands at `value` after some epochs is in the worse half of those that came so far.

    Asked after 1, 2, 4, 8, … epochs, and only where four trials or more have been there. Trials that failed do not
    count: how far they had come says nothing.

    Args:
        past: trials before it.
        step: epochs done.
        value: where it stands, higher is better.

    >>> one = {"params": {}, "score": None, "seconds": 1.0, "state": "complete"}
    >>> past = [Trial(number=n, steps=((1, n / 9),), **one) for n in range(5)]
    >>> lags(past, 1, 0.1), lags(past, 1, 0.5), lags(past, 3, 0.1), lags(past[:2], 1, 0.0)
    (True, False, False, False)
    """
    if step < 1 or step & (step - 1):
        return False
    others = [at for trial in past if trial.state != "failed" for epoch, at in trial.steps if epoch == step]
    better = sum(other > value for other in others)
    return len(others) + 1 >= FEWEST and better >= (len(others) + 1) / FACTOR
