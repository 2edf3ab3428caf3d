"""Where the body of a distribution ends: values so far beyond it that its own tail does not explain them.

The upper half of the upper half of the values (likewise the lower) is taken for the tail of a generalised Pareto
distribution, whose shape is read off pairs of quantiles (after Pickands 1975) and, being an estimate, taken a little
heavier than it looks. On the scale y = ln(1 + shape * excess / scale) / shape the tail is exponential, so that the gap
below the k largest values is exponential with mean 1/k (Rényi 1953): a gap g there has a chance of exp(-k g). What is
asked is what the *rest* says of the suspects; they have no say in the shape. Several equal values behind a gap need
half of the surprise: in a quantity that hardly repeats itself, chance does not put one value on another.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import expm1, inf, log
from typing import Any

import numpy as np

Floats = np.ndarray[Any, np.dtype[np.float64]]
LEAST = 25  # values a tail is read off
SHARE = 0.02  # of the values: more are not outliers but another sort
FEW = 4  # as long as there are so few, whatever their share
SURPRISE = 6.0  # nats: a chance of 1 in 400
GAP = 1.5  # nats: below it, too much hangs on the fit
COUNTED = 4  # of the suspects; more would let a slight misfit weigh too much
QUANTILES = (0.75, 0.9, 0.96, 0.98)
CANDIDATES = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """One end of a distribution.

    Args:
        start: where the tail begins.
        shape: 0 for an exponential tail, above 0 for a heavier one.
        scale: in units of the values.
        end: the last value of the body.
        bound: values from here on are outliers; infinite where nothing can be said.
    """

    start: float = 0.0
    shape: float = 0.0
    scale: float = 1.0
    end: float = inf
    bound: float = inf

    def nats(self, values: Floats) -> Floats:
        """How far beyond the end of the body, as minus the logarithm of a chance; 0 within."""
        if self.end == inf:
            return np.zeros(len(values))
        return np.asarray(np.maximum(self.height(values) - self.height(np.array([self.end])), 0.0))

    def height(self, values: Floats) -> Floats:
        """Nats above the start."""
        excess = np.maximum(values - self.start, 0.0)
        if self.shape <= 1e-9:
            return np.asarray(excess / self.scale)
        return np.asarray(np.log1p(self.shape * excess / self.scale) / self.shape)

    def value(self, height: float) -> float:
        """The value at that height above the start."""
        if self.shape <= 1e-9:
            return self.start + self.scale * height
        return self.start + self.scale * expm1(min(self.shape * height, 700.0)) / self.shape


def upper_tail(values: Floats) -> Tail:
    """The upper end of n finite values. O(n log n).

    >>> body = np.linspace(0, 10, 500)
    >>> tail = upper_tail(np.append(body, [60.0, 75.0]))
    >>> tail.end, 12 < tail.bound < 60
    (10.0, True)
    """
    ordered = np.sort(values)
    start = _start(ordered)
    if start is None:
        return Tail()
    excess = ordered[ordered > start] - start
    step = float(np.median(np.diff(np.unique(excess)))) if len(np.unique(excess)) < len(excess) / 2 else 0.0
    most = min(max(FEW, int(SHARE * len(ordered))), len(excess) // 3)
    top = excess[-most - 1 :]
    gaps = np.diff(np.log(top))
    for place in sorted(np.argsort(-gaps)[:CANDIDATES].tolist()):
        beyond = len(top) - 1 - place
        tail = _fitted(start, excess[: len(excess) - beyond])
        gap = float(tail.nats(start + top[place + 1 : place + 2])[0] - tail.nats(np.array([tail.end + step]))[0])
        count = min(len(np.unique(top[place + 1 :])), COUNTED, max(len(excess) // LEAST, 1))
        tied = beyond > 1 and step == 0.0 and top[place + 1] == top[-1]
        if gap >= GAP and gap * count >= (SURPRISE / 2 if tied else _needed(len(excess))):
            return replace(tail, bound=min(start + float(top[place + 1]), _far(tail, step, len(excess))))
    tail = _fitted(start, excess)
    return replace(tail, bound=_far(tail, step, len(excess)))


def lower_tail(values: Floats) -> Tail:
    """The lower end, of the negated values.

    >>> lower_tail(np.append(np.linspace(0, 10, 500), -40.0)).bound <= 40
    True
    """
    return upper_tail(-values)


def _start(ordered: Floats) -> float | None:
    """The median of the values above the median, or the median, whichever leaves enough different values beyond."""
    median = float(np.median(ordered)) if len(ordered) else 0.0
    above = ordered[ordered > median]
    for start in [float(np.median(above)), median] if len(above) else []:
        beyond = ordered[ordered > start]
        if len(beyond) >= max(LEAST, len(above) / 5) and beyond[0] < beyond[-1]:
            return start
    return None


def _fitted(start: float, excess: Floats) -> Tail:
    """The tail that the excesses (ascending, above 0) have; shape 0 at least."""
    count = len(excess)
    shapes = [0.0]
    for share in QUANTILES:
        beyond = (1 - share) * count
        if beyond < 4 and share > QUANTILES[0]:
            break
        near, far = (float(excess[min(int(q * count), count - 1)]) for q in (1 - (1 - share) ** 0.5, share))
        if far > near:
            shape = log(max(far / near - 1, 1e-9)) / -log((1 - share) ** 0.5)
            shapes.append(shape + 0.5 * (1 + max(shape, 0.0)) / max(beyond, 1.0) ** 0.5)
    shape = min(max(shapes), 5.0)
    share = QUANTILES[0] if count < 40 else QUANTILES[1]
    far = float(excess[min(int(share * count), count - 1)])
    height = -log(1 - share)
    scale = far * shape / expm1(shape * height) if shape > 1e-9 else far / height
    return Tail(start=start, shape=shape, scale=scale, end=start + float(excess[-1]))


def _far(tail: Tail, step: float, count: int) -> float:
    """Where a single further value would be an outlier."""
    return tail.value(float(tail.height(np.array([tail.end + step]))[0]) + _needed(count))


def _needed(count: int) -> float:
    """Nats for a gap; more where the tail was read off few values."""
    return SURPRISE + 50 / count
