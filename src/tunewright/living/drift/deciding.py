"""From statistics to a decision: p-values by permutation, held to how much the old rows differ among themselves."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewright.living.drift.aspects import Aspect
from tunewright.living.drift.statistics import DriftTest, Statistic

Array = np.ndarray[Any, np.dtype[Any]]
ROUNDS = 499
WINDOWS, ORDERS = 4, 50  # windows of old rows at least; random orders of the old rows they are compared with
LEVEL = 0.05
TAIL = 25  # greatest statistics of a test, which say how fast chance grows rarer


@dataclass(frozen=True, slots=True, kw_only=True)
class Drift:
    """One test of one aspect.

    Args:
        aspect: its name.
        test: kind of the test.
        statistic: of the new rows against the old, larger for larger differences.
        p_value: of no difference, corrected for all tests that were made (Westfall and Young).
        dispersion: by how much old rows of one stretch of the file differ more than chance; 1 where they do not. The
            statistic was divided by it.
    """

    aspect: str
    test: str
    statistic: float
    p_value: float
    dispersion: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drifts:
    """All tests together: `p_value` is that of no drift at all, by the least p-value of any test."""

    p_value: float
    tests: tuple[Drift, ...]


def find_drift(
    aspects: Sequence[Aspect],
    tests: Sequence[DriftTest],
    *,
    old: int,
    seed: int = 0,
    rounds: int = ROUNDS,
    ordered: bool = True,
) -> Drifts:
    """Test every aspect with every test that reads its kind.

    Old and new rows are pooled, and which of them are called new is dealt out anew `rounds` times: the chance of any
    alarm where nothing changed is the level, whatever the statistics are. Rows that come in order (time, a sensor) are
    not exchangeable even where nothing changes; therefore stretches of old rows are compared with the rest of them, and
    where they differ by more than chance, by a factor, the new rows' statistic is divided by that factor first.

    Args:
        aspects: of the pooled rows, old ones first, both in the order in which they came.
        tests: the table of tests.
        old: how many rows are old.
        seed: of what is dealt out.
        rounds: choices of new rows besides the true one.
        ordered: whether to look at stretches of old rows.

    Source: permutation tests; Westfall and Young (1993), Resampling-based multiple testing, single-step minP; the
    factor is a quasi-likelihood's dispersion (McCullagh and Nelder 1989, 4.5).
    """
    rows = len(aspects[0].values) if aspects else 0
    masks = dealt(old, rows - old, rounds, seed=seed)
    made: list[tuple[Aspect, DriftTest, Array, float]] = []
    for aspect in aspects:
        for test in tests:
            if test.reads != aspect.kind or (statistic := test.prepare(aspect)) is None:
                continue
            factor = _dispersion(test, aspect, old, rows - old, seed) if ordered else 1.0
            made.append((aspect, test, statistic(masks), factor))
    if not made:
        return Drifts(p_value=1.0, tests=())
    values = np.stack([one[2] for one in made])
    factors = np.array([one[3] for one in made])
    ordered_values = np.sort(values, axis=1)
    scales = _scales(ordered_values)
    least = _p_values(values, ordered_values, scales).min(0)
    # Where old rows vary more than chance, the true choice alone is held to it: chance stays what it is.
    held = np.array(
        [_held(row[0] / factor, row[1:], scale) for row, factor, scale in zip(values, factors, scales, strict=True)]
    )
    told = tuple(
        Drift(
            aspect=aspect.name,
            test=test.kind,
            statistic=float(found[0]),
            p_value=_share(-least[1:], -float(held[at])),
            dispersion=factor,
        )
        for at, (aspect, test, found, factor) in enumerate(made)
    )
    return Drifts(p_value=_share(-least[1:], -float(held.min())), tests=told)


def dealt(old: int, new: int, rounds: int, *, seed: int) -> Array:
    """(rounds + 1, old + new) masks with `new` rows true each; the first is the true choice.

    >>> dealt(2, 1, 3, seed=0).sum(1).tolist()
    [1, 1, 1, 1]
    """
    draw = np.random.default_rng(seed)
    first = np.arange(old + new) >= old
    return np.stack([first, *(draw.permutation(first) for _ in range(rounds))])


def _p_values(values: Array, ordered: Array, scales: Array) -> Array:
    """(T, R) share of all choices, the own one included, with a statistic at least as large.

    One of R choices is the largest of each test: were all of them equally rare, then with more than level × R tests
    that would be true of so many choices that there could be no alarm. How far the largest lies beyond the second
    therefore counts, by an exponential tail. It does so for every choice alike, and chance stays what it is.
    """
    below = np.stack([np.searchsorted(row, mine, side="left") for row, mine in zip(ordered, values, strict=True)])
    beyond = np.maximum(values - ordered[:, -2:-1], 0) / scales[:, None]
    return np.asarray((values.shape[1] - below) / values.shape[1] * np.exp(-beyond))


def _held(own: float, others: Array, scale: float) -> float:
    """The same of one statistic among others that chance gave."""
    return _share(others, own) * float(np.exp(-max(own - float(others.max()), 0.0) / scale))


def _scales(ordered: Array) -> Array:
    """(T,) how far the greatest statistics of each test lie, in the mean, beyond the least of them."""
    tail = ordered[:, -min(TAIL, ordered.shape[1]) :]
    return np.asarray(np.maximum(tail.mean(1) - tail[:, 0], 1e-300))


def _share(others: Array, own: float) -> float:
    """P-value of one value among others that chance gave."""
    return float((1 + (others >= own).sum()) / (len(others) + 1))


def _dispersion(test: DriftTest, aspect: Aspect, old: int, new: int, seed: int) -> float:
    """How many times larger the statistic of a stretch of old rows is than that of as many old rows drawn at random.

    1 where there are fewer than four stretches, or where random orders of the rows reach as much in one of twenty.
    """
    width = min(new, old // WINDOWS)
    if width < 10:
        return 1.0
    statistic = test.prepare(aspect.take(np.arange(old)))
    if statistic is None:
        return 1.0
    stretches = _stretches(old, width)
    draw = np.random.default_rng(seed + 1)
    found = float(statistic(stretches).mean())
    chance = _means(statistic, stretches, [draw.permutation(old) for _ in range(ORDERS)])
    if chance.mean() <= 0 or found <= float(np.quantile(chance, 0.95)):
        return 1.0
    return max(1.0, found / float(chance.mean()))


def _stretches(old: int, width: int) -> Array:
    """(k, old) masks of neighbouring stretches of `width` rows."""
    starts = range(0, old - width + 1, width)
    places = np.arange(old)
    return np.stack([(places >= start) & (places < start + width) for start in starts])


def _means(statistic: Statistic, stretches: Array, orders: Sequence[Array]) -> Array:
    """The mean statistic over the stretches, for each order of the rows."""
    return np.array([float(statistic(stretches[:, order]).mean()) for order in orders])
