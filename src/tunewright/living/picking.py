"""Pick rows one by one: unsure answers, far from what was picked already, none that repeats another.

The space is that of the last layer's gradients, were each answer taken for true: (probabilities − answer) ⊗ features.
How long such a vector is says how unsure the model is; where it points, of what, and for which kind of row. Rows are
drawn with the square of their distance to the nearest picked one (k-means++), so that a batch is unsure and diverse at
once, with no knob between the two. The origin counts as picked from the start: where an answer is sure, its vector has
no length, and a row near the origin has nothing to tell, however far it lies from the others.

Source: Ash et al. 2020, Deep batch active learning by diverse, uncertain gradient lower bounds (BADGE). The vectors
are never made: ⟨r ⊗ x, s ⊗ y⟩ = ⟨r, s⟩⟨x, y⟩. Shapes: n rows, K outputs, F features.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewright.living.alike import Alike
from tunewright.living.doubts import Answered

Array = np.ndarray[Any, np.dtype[Any]]
MOST_DISTANCES = 50_000_000  # rows times picks; of K + F products each


@dataclass(frozen=True, slots=True, kw_only=True)
class Picked:
    """A row that was picked: its number, its doubt, the number of the slice it came from or None."""

    row: int
    doubt: float
    slice: int | None


class Picker:
    """Picks from n rows; what was picked before stays in its memory.

    Cost: a pick takes n (K + F) products, and for its repeats how often its shingles occur in all texts.

    Args:
        answered: what the model makes of the rows.
        alike: tells repeats among the rows, then among `labelled` rows behind them.
        labelled: how many rows with a label stand behind the n in `alike`; what repeats one of them is passed over.
        closed: (n,) rows that must not be picked, because they repeat one with a label to the letter; None: none.
        near: (n,) squared distance of each row to the nearest row with a label, or None: nothing is known of those.
        seed: of the draws.
    """

    def __init__(
        self,
        answered: Answered,
        alike: Alike,
        *,
        labelled: int = 0,
        closed: Array | None = None,
        near: Array | None = None,
        seed: int = 0,
    ) -> None:
        self.answered = answered
        self.alike = alike
        self.labelled = labelled
        self.repeats = 0 if closed is None else int(closed.sum())
        self._rng = np.random.default_rng(seed)
        self._lengths = (answered.residuals**2).sum(1) * (answered.x**2).sum(1)
        self._open = np.ones(len(answered.doubts), bool) if closed is None else ~closed
        self._nearest = self._lengths.copy() if near is None else near.copy()
        self._fresh = near is None

    def pick(self, budget: int, *, among: Array | None = None, slice_number: int | None = None) -> list[Picked]:
        """Pick up to `budget` more rows, of those that a mask (n,) names; fewer where no other is left."""
        picked: list[Picked] = []
        allowed = np.ones(len(self._open), bool) if among is None else among
        while len(picked) < budget:
            row = self._draw(self._open & allowed)
            if row is None:
                break
            near = self.alike.near(row)
            rows, labelled = near[: len(self._open)], near[len(self._open) :]
            if labelled.any():
                self._open[row] = False
                self.repeats += 1
                continue
            self.repeats += int((rows & self._open).sum()) - 1
            self._open &= ~rows
            self._note(row)
            picked.append(Picked(row=row, doubt=float(self.answered.doubts[row]), slice=slice_number))
        return picked

    def _draw(self, allowed: Array) -> int | None:
        """The most unsure row first, then a draw by squared distance; where all distances are zero, by doubt."""
        if not allowed.any():
            return None
        weights = np.where(allowed, self._nearest, 0.0)
        total = float(weights.sum())
        if self._fresh or total <= 0.0:
            order = np.where(allowed, self._lengths if self._fresh else self.answered.doubts, -1.0)
            return int(order.argmax())
        at = int(np.searchsorted(np.cumsum(weights), self._rng.random() * total, side="right"))
        # Rounding may end on a row beyond the last that is allowed.
        return at if at < len(weights) and weights[at] > 0 else int(np.flatnonzero(weights > 0)[-1])

    def _note(self, row: int) -> None:
        """Bring every row's distance to the nearest picked one up to date."""
        r, x = self.answered.residuals, self.answered.x
        products = (r @ r[row]) * (x @ x[row])
        distances = np.maximum(self._lengths + self._lengths[row] - 2 * products, 0.0)
        self._nearest = np.minimum(self._nearest, distances)
        self._fresh = False


def considered(doubts: Array, budget: int, *, seed: int = 0) -> Array:
    """Rows that take part in the choice, ascending: all, or of many those with the greatest doubts, ties by lot.

    >>> considered(np.array([0.1, 0.9, 0.5]), 2).tolist()
    [0, 1, 2]
    """
    most = max(MOST_DISTANCES // max(budget, 1), budget)
    if len(doubts) <= most:
        return np.arange(len(doubts))
    order = np.random.default_rng([seed, 1]).permutation(len(doubts))
    return np.sort(order[np.argsort(-doubts[order], kind="stable")[:most]])


def shares(budget: int, sizes: Sequence[int]) -> list[int]:
    """How many of the budget each slice of errors gets: half of it in all, as many for each, none beyond its rows.

    The other half is left for all rows: a slice that nobody knows yet must have its chance.

    >>> shares(10, [100, 100]), shares(10, [1, 100]), shares(3, [])
    ([2, 2], [1, 2], [])
    """
    if not sizes:
        return []
    each = max((budget // 2) // len(sizes), 1)
    left, found = budget // 2, []
    for size in sizes:
        found.append(min(each, size, left))
        left -= found[-1]
    return found
