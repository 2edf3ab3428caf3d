"""Numbers: whether some range of values holds more, or fewer, of the new rows than chance would put there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tunewright.living.drift.aspects import Aspect
from tunewright.living.drift.statistics import Statistic

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class IntervalScan:
    """The most surprising count of new rows in any range of values; empty cells are one value below all others.

    A tenth of the rows that moved, nobody knows where to and how far apart, changes a distribution function by a tenth
    at most, and by a twentieth where they moved to the middle. The range that they moved to, though, holds several
    times as many new rows as it should. A range's surprise is the likelihood ratio G of four counts, new and old rows
    inside and outside; a range and the rest around it share one G, so that it also sees values that left the middle
    for both tails. From G goes 2 ln(1 / (q (1 - q))), q the range's share of the rows: about 1 / q ranges of that
    size lie beside each other, and narrow ones, which are many, would otherwise set the bar for wide ones. Ranges
    that begin at the least value or end at the greatest are the tails that higher criticism compares.

    Source: Kulldorff (1997), A spatial scan statistic, Commun. Statist. Theory Meth. 26 (G of the counts inside and
    outside); Dümbgen and Spokoiny (2001), Multiscale testing of qualitative hypotheses, Ann. Statist. 29, and Rivera
    and Walther (2013), Optimal detection of a jump in the intensity of a Poisson process or in a density with
    likelihood ratio statistics, Scand. J. Statist. 40 (what a range's size costs, and few ranges in place of all);
    Donoho and Jin (2004), Higher criticism for detecting sparse heterogeneous mixtures, Ann. Statist. 32. Sorting is
    done once; each choice of new rows costs N, and four look-ups per range, of which there are some 800.

    Args:
        grid: parts of the pooled rows, equal in number, between any two of whose ends there is a range.
        narrowest: rows of the narrowest tail that is looked at; tails halve from one part of the grid down to it.
        repeated: rows of one value from which on it is a range of its own, wherever the grid has its ends.
    """

    kind: ClassVar[str] = "interval_scan"
    reads: ClassVar[str] = "number"
    grid: int = 32
    narrowest: int = 4
    repeated: int = 8

    def prepare(self, aspect: Aspect) -> Statistic | None:
        """None where all values are equal."""
        found = self._sorted(aspect)
        if found is None:
            return None

        def statistic(masks: Array) -> Array:
            return np.asarray(np.maximum(_surprises(masks, *found).max(1), 0))

        return statistic

    def where(self, aspect: Aspect, old: int) -> str:
        """The range with the most surprising surplus of new rows, in words; empty where all values are equal.

        Args:
            aspect: numbers of the pooled rows.
            old: how many of them are old.

        >>> values = np.array([*range(90), *range(4, 90, 9), *[200] * 10], float)
        >>> IntervalScan().where(Aspect(name="x", kind="number", values=values), 90)
        '0.0% of the rows at 200 before, 50.0% now'
        """
        found = self._sorted(aspect)
        if found is None:
            return ""
        order, first, last = found
        rows, size = len(order), last - first
        mask = np.arange(rows) >= old
        up_to = np.append(0, np.cumsum(mask[order]))
        held = up_to[last] - up_to[first]
        surplus = held * rows > size * (rows - old)
        best = int(np.where(surplus, _surprises(mask[None], *found)[0], -np.inf).argmax())
        inside, now = order[first[best] : last[best]], int(held[best])
        low, high = aspect.values[inside[[0, -1]]]
        shares = ((len(inside) - now) / old, now / (rows - old))
        return f"{shares[0]:.1%} of the rows {_named(float(low), float(high))} before, {shares[1]:.1%} now"

    def _sorted(self, aspect: Aspect) -> tuple[Array, Array, Array] | None:
        """(N,) rows by value, and the ranges of these; None where all values are equal."""
        values = np.where(np.isfinite(aspect.values), aspect.values, -np.inf)
        order = np.argsort(values, kind="stable")
        ends = np.flatnonzero(np.append(values[order][1:] != values[order][:-1], True)) + 1
        if len(ends) < 2:
            return None
        return order, *self.ranges(np.append(0, ends))

    def ranges(self, stops: Array) -> tuple[Array, Array]:
        """(R,) how many sorted rows lie before each range, and (R,) how many up to its end; no value is torn apart.

        Args:
            stops: (D + 1,) for D different values, how many rows have at most each of them, 0 first.

        >>> first, last = IntervalScan(grid=2, narrowest=1).ranges(np.array([0, 3, 4]))
        >>> first.tolist(), last.tolist()
        ([0, 3], [3, 4])
        """
        rows = int(stops[-1])
        halvings = int(np.log2(max(rows / (self.grid * self.narrowest), 1)))
        tails = rows / self.grid / 2.0 ** np.arange(1, halvings + 1)
        wanted = np.concatenate([rows * np.arange(1, self.grid) / self.grid, tails, rows - tails])
        wanted = np.clip(np.rint(wanted), 1, rows - 1)
        # The ends of values just below and just above a wanted place: one and the same where values do not repeat.
        below = stops[np.searchsorted(stops, wanted, side="right") - 1]
        above = stops[np.searchsorted(stops, wanted, side="left")]
        cuts = np.unique(np.concatenate([stops[[0, -1]], below, above]))
        one, other = np.triu_indices(len(cuts), 1)
        often = np.flatnonzero(np.diff(stops) >= self.repeated)
        first, last = np.concatenate([cuts[one], stops[often]]), np.concatenate([cuts[other], stops[often + 1]])
        found = np.unique(np.stack([first, last], axis=1)[last - first < rows], axis=0)
        return found[:, 0], found[:, 1]


def _surprises(masks: Array, order: Array, first: Array, last: Array) -> Array:
    """(B, R) G of the counts inside and outside each range, less what its size costs, for (B, N) choices."""
    rows, size = len(order), last - first
    counts = np.arange(rows + 1, dtype=np.float64)
    n_ln_n = counts * np.log(np.maximum(counts, 1))
    share = size / rows
    # What does not depend on the choice: the marginal counts of the ranges, and the penalty.
    fixed = n_ln_n[rows] - n_ln_n[size] - n_ln_n[rows - size] + np.log(share * (1 - share))
    new = masks.sum(1, keepdims=True)
    up_to = np.zeros((len(masks), rows + 1), np.int32)
    np.cumsum(masks[:, order], axis=1, dtype=np.int32, out=up_to[:, 1:])
    held = up_to[:, last] - up_to[:, first]
    cells = n_ln_n[held] + n_ln_n[size - held] + n_ln_n[new - held] + n_ln_n[rows - size - new + held]
    return np.asarray(2 * (cells + fixed - n_ln_n[new] - n_ln_n[rows - new]))


def _named(low: float, high: float) -> str:
    if not np.isfinite(high):
        return "empty"
    if not np.isfinite(low):
        return f"empty or up to {high:,.4g}"
    return f"at {low:,.4g}" if low == high else f"between {low:,.4g} and {high:,.4g}"
