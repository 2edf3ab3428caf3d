"""The accuracy that noise in the labels allows: what no model can be measured to exceed, but by luck.

Shapes: m rows, K classes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tunewright.learning.crossfit import Learned
from tunewright.learning.doubt import doubt
from tunewright.learning.suspects import suspects
from tunewright.records import Ceiling, Score
from tunewright.stats import percentile_interval, wilson

Array = np.ndarray[Any, np.dtype[Any]]
ROUNDS = 100
MOST_ROWS = 5_000  # of a resample's source; more change the interval little
FEWEST = 50


def ceiling(learned: Learned | None, *, seed: int = 0) -> Ceiling | None:
    """Estimate it from out-of-fold answers; None for other tasks than one class per row, and below 50 rows.

    A model that knew every true class would be called wrong where the given one is wrong, so one less the share of
    wrong labels is the most that can be measured, in expectation. The share is that of the labels which `suspects`
    lists: counted by confident learning, and only where another class is four times as probable. One end of the
    interval is Wilson's for that share; the other is that of confident learning without the odds, by a bootstrap over
    rows. Both lean on the fit. With flipped labels of a task that it knows (sms_spam, snips) the estimate is within
    1.5 points of the truth up to a tenth of flips; where columns hardly tell the classes apart, rows that are merely
    odd count as wrong labels, and the ceiling is too low.

    Args:
        learned: out-of-fold probabilities and given classes; rows that no fit held out are left aside.
        seed: of the bootstrap.

    Source: Northcutt, Jiang & Chuang (2021), Confident learning. JAIR 70, 1373-1411, section 3; what noisy test labels
    do to accuracy: Northcutt, Athalye & Mueller (2021), Pervasive label errors in test sets. NeurIPS Datasets.
    """
    if learned is None or not learned.labels or learned.targets.ndim == 2:
        return None
    used = np.flatnonzero((learned.folds >= 0) & (learned.targets >= 0))
    if len(used) < FEWEST:
        return None
    listed = int(np.isin(suspects(learned).places, used).sum())
    plain = wilson(listed, len(used))
    most = max(_most(learned.probabilities[used], learned.targets[used], seed), plain.high)
    value = Score(value=1 - plain.value, low=1 - most, high=1 - plain.low, n=len(used))
    return Ceiling(value=value, text=_text(value))


def _most(p: Array, given: Array, seed: int) -> float:
    """Upper end of a bootstrap interval for the share that confident learning counts as errors."""
    rng = np.random.default_rng(seed)
    few = np.arange(len(given)) if len(given) <= MOST_ROWS else rng.choice(len(given), MOST_ROWS, replace=False)
    drawn = np.array([_share(p[rows], given[rows]) for rows in (rng.choice(few, len(few)) for _ in range(ROUNDS))])
    # Resamples repeat rows, which moves the count itself a little: only its spread is read off them.
    spread = (drawn - drawn.mean()) * np.sqrt(len(few) / len(given))
    return min(percentile_interval(_share(p, given) + spread)[1], 1.0)


def _share(p: Array, given: Array) -> float:
    return min(doubt(p, given).errors / len(given), 1.0)


def _text(value: Score) -> str:
    wrong, low, high = (f"{100 * (1 - x):.1f}" for x in (value.value, value.high, value.low))
    if f"{value.value:.3f}" == "1.000":
        some = "No label" if value.value == 1 else "Hardly a label"
        return (
            f"{some} is likely wrong, by what similar rows have ({high} % at most): wrong labels are not "
            "shown to hold a model back."
        )
    return (
        f"About {wrong} % of the labels are likely wrong ({low} to {high} %), by what similar rows have. A model that "
        f"is always right would be called wrong on these: an accuracy above {value.value:.3f} ({value.low:.3f} to "
        f"{value.high:.3f}) is luck, or noise learned by heart. Rows that the columns cannot tell apart count as "
        "wrong labels too: where there are many, the ceiling is really higher."
    )
