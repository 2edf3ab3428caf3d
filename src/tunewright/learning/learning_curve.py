"""Would more labelled rows help? The probe's score at shares of the train rows, extrapolated by a power law.

The fits are closed-form, from sums over blocks of rows that are added up once: discriminants for one label per row,
ridge for the rest. Shapes: n train rows, m held-out ones, F features, K outputs, b resamples.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np

from tunewright.learning.crossfit import Moments
from tunewright.learning.decisions import fit_decision
from tunewright.learning.discriminant import discriminants
from tunewright.learning.trial import as_logits, learned_targets, strata_of
from tunewright.metrics import Metric, Outcome, in_words
from tunewright.metrics import metric as metric_of
from tunewright.records import LearningCurve, Score
from tunewright.stats import bootstrap_weights, percentile_interval
from tunewright.tasks import Classification, Decision, Multilabel, Task

Array = np.ndarray[Any, np.dtype[Any]]
BLOCKS = 8
# Blocks that are learned from, and how many draws of so many.
SIZES = ((2, 4), (4, 4), (6, 2), (8, 1))
PENALTIES = (0.03, 0.3, 3.0, 30.0)  # as shares of the features' mean variance
FEWEST = 64  # train rows below which an eighth is nothing to learn from
PER_CLASS = 6  # train rows a class below which no power law holds yet
MOST = 40_000  # train rows that are summed; the law reaches the others
ROUNDS = 100
WINDOWS = (0, 1, 2)  # sizes that a law may leave out: no one law holds from few rows to many
EXTRA = 1_000
NEGLIGIBLE = 0.005  # of a bounded metric
STEEPEST = 1.0  # exponent: no law of learning is steeper, but a resample without an error asks for any


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """Rows with their frozen features: `x` (n, F), `targets` as the task encodes them, `weights` (n,) or None."""

    x: Array
    targets: Array
    weights: Array | None = None

    def only(self, rows: Array) -> Part:
        """Some of the rows."""
        weights = None if self.weights is None else self.weights[rows]
        return Part(x=self.x[rows], targets=self.targets[rows], weights=weights)


def learning_curve(task: Task, metric: str, train: Part, held: Part, *, seed: int) -> LearningCurve | None:
    """Score the probe at 25, 50, 75 and 100 % of the train rows, and extrapolate.

    Cost: n F² for the sums and F³ for each of eleven draws.

    Args:
        task: of the targets.
        metric: the objective metric.
        train: rows to learn from.
        held: rows that are not learned from and are not test rows.
        seed: of draws and resamples.

    Returns:
        None where there are too few rows, or the metric is undefined on a draw.
    """
    n = len(train.targets)
    classes = task.outputs if isinstance(task, Classification) else 0
    if n < max(FEWEST, PER_CLASS * classes) or len(held.targets) < FEWEST / 4:
        return None
    blocks = _blocks(task, train, seed)
    rows = [round(n * count / BLOCKS) for count, _ in SIZES]
    resamples = np.concatenate(list(bootstrap_weights(len(held.targets), rounds=ROUNDS, seed=seed)))
    rng = np.random.default_rng([seed, 73])
    values, samples = [], []
    for count, draws in SIZES:
        found = [_scores(task, metric, blocks, chosen, held, resamples) for chosen in _draws(rng, count, draws)]
        if any(one is None for one in found):
            return None
        values.append(np.array([one[0] for one in found if one]))
        samples.append(np.stack([one[1] for one in found if one]))
    return _curve(metric, rows, values, samples, n, len(held.targets), seed)


def _blocks(task: Task, train: Part, seed: int) -> list[Moments]:
    """Sums over eighths of the train rows, each with about its share of every class."""
    rng = np.random.default_rng([seed, 74])
    order = rng.permutation(len(train.targets))[:MOST]
    strata = strata_of(task, train.targets)[order]
    order = order[np.argsort(strata, kind="stable")]
    y = learned_targets(task, train.targets)
    weights = np.ones(len(y)) if train.weights is None else np.asarray(train.weights, np.float64)
    if isinstance(task, Classification):
        weights = np.where(train.targets >= 0, weights, 0.0)
    # Dealt in turn along the strata, every round in another order.
    rounds = -(-len(order) // BLOCKS)
    dealt = np.concatenate([rng.permutation(BLOCKS) for _ in range(rounds)])[: len(order)]
    parts = [order[dealt == block] for block in range(BLOCKS)]
    return [Moments.of(train.x[part], y[part], weights[part]) for part in parts]


def _draws(rng: np.random.Generator, count: int, draws: int) -> list[Array]:
    """Sets of blocks, disjoint as far as possible."""
    found: list[Array] = []
    while len(found) < draws:
        order = rng.permutation(BLOCKS)
        found += [order[first : first + count] for first in range(0, BLOCKS - count + 1, count)]
    return found[:draws]


def _scores(
    task: Task, metric: str, blocks: Sequence[Moments], chosen: Array, held: Part, resamples: Array
) -> tuple[float, Array] | None:
    """The metric of a fit on some blocks, higher is better: on the held-out rows and on their (b,) resamples.

    Every size takes the penalty that suits it: with one for all, the fits with about as many rows as features would be
    the worst of all, and no law would hold.
    """
    sums = reduce(Moments.plus, (blocks[block] for block in chosen))
    one = metric_of(metric)
    sign = 1 if one.greater_is_better else -1
    best: tuple[float, Outcome] | None = None
    for weight, bias in _fits(task, sums):
        outcome = _outcome(task, metric, np.asarray(held.x @ weight + bias, np.float32), held.targets)
        value = one.value(outcome)
        if value is not None and np.isfinite(value) and (best is None or sign * value > best[0]):
            best = sign * float(value), outcome
    if best is None:
        return None
    return best[0], sign * np.asarray(one.resampled(best[1])(resamples), np.float64)


def _fits(task: Task, sums: Moments) -> list[tuple[Array, Array]]:
    """Weights and bias for every penalty."""
    if isinstance(task, Classification):
        return discriminants(sums, PENALTIES)
    return [sums.solve(penalty) for penalty in PENALTIES]


def _outcome(task: Task, metric: str, outputs: Array, targets: Array) -> Outcome:
    if isinstance(task, Multilabel):
        outputs = as_logits(task, outputs)
        return task.outcome(targets, outputs, fit_decision(task, outputs, targets, metric))
    return task.outcome(targets, outputs, Decision())


def _curve(
    metric: str, rows: Sequence[int], values: Sequence[Array], samples: Sequence[Array], n: int, held: int, seed: int
) -> LearningCurve:
    one, rng = metric_of(metric), np.random.default_rng([seed, 75])
    sign = 1 if one.greater_is_better else -1
    worst, best = _ends(one)
    means = np.array([value.mean() for value in values])
    # How much another draw of all train rows would differ: from the draws of half of them.
    spread = float(values[1].std(ddof=1)) / np.sqrt(2)
    drawn = np.clip(_resampled_means(values, samples, spread, rng), worst, best)
    drawn = drawn[np.isfinite(drawn).all(1)]
    scores = tuple(_score(sign * mean, sign * column, held) for mean, column in zip(means, drawn.T, strict=True))
    extra = min(EXTRA, _round_down(n))
    reach = (np.array(rows, float), float(n), float(n + extra))
    # Counted from the last score, which they are added to: with it, no gain leaves the metric's bounds.
    room = (worst - means[-1], best - means[-1])
    gain = float(np.clip(np.mean([_gain(best - means, *reach, skip) for skip in WINDOWS[:2]]), *room))
    gains = np.array([_gain(best - line, *reach, int(rng.choice(WINDOWS))) for line in drawn])
    # The rows to come are a draw, too.
    gains = np.clip(gains + rng.normal(0.0, spread * np.sqrt(n / (n + extra)), len(gains)), *room)
    found = _score(gain, gains, held)
    return LearningCurve(
        metric=one.name,
        rows=tuple(rows),
        scores=scores,
        extra=extra,
        gain=found,
        text=_text(found, extra, one),
    )


def _ends(one: Metric) -> tuple[float, float]:
    """The worst and the best value it can take, turned so that higher is better; infinite where there is no such value.

    >>> _ends(metric_of("accuracy")), _ends(metric_of("r2")), _ends(metric_of("brier"))
    ((0.0, 1.0), (-inf, 1.0), (-2.0, -0.0))
    """
    low = -np.inf if one.bounds[0] is None else one.bounds[0]
    high = np.inf if one.bounds[1] is None else one.bounds[1]
    return (low, high) if one.greater_is_better else (-high, -low)


def _resampled_means(
    values: Sequence[Array], samples: Sequence[Array], spread: float, rng: np.random.Generator
) -> Array:
    """(b, sizes) mean scores: held-out rows and draws resampled; the one draw of all rows varies by `spread`."""
    columns = []
    for value, sample in zip(values, samples, strict=True):
        picked = rng.integers(0, len(value), sample.shape)
        column = sample[picked, np.arange(sample.shape[1])].mean(0)
        columns.append(column if len(value) > 1 else column + rng.normal(0, spread, len(column)))
    return np.stack(columns, axis=1)


def _gain(losses: Array, rows: Array, now: float, then: float, skip: int) -> float:
    """By how much the law loss(n) = a n^−c, |c| ≤ 1, fitted to the losses at `rows` but the first, falls until then.

    Source: Cortes, Jackel, Solla, Vapnik and Denker (1994), Learning curves: asymptotic values and rate of convergence.

    >>> rows = np.array([25.0, 50.0, 75.0, 100.0])
    >>> round(_gain(rows**-0.5, rows, 100.0, 400.0, 0), 6)
    0.05
    """
    x, y = np.log(rows[skip:]), np.log(np.maximum(losses[skip:], 1e-6))
    slope = float(np.clip(np.polyfit(x, y, 1)[0], -STEEPEST, STEEPEST))
    at_now, at_then = np.exp(y.mean() + slope * (np.log([now, then]) - x.mean()))
    return float(at_now - at_then)


def _score(value: float, samples: Array, n: int) -> Score:
    finite = samples[np.isfinite(samples)]
    low, high = percentile_interval(finite) if len(finite) else (value, value)
    return Score(value=float(value), low=min(low, float(value)), high=max(high, float(value)), n=n)


def _round_down(n: int) -> int:
    """To one significant digit.

    >>> _round_down(437), _round_down(64)
    (400, 60)
    """
    unit: int = 10 ** (len(str(n)) - 1)
    return n // unit * unit


def _text(gain: Score, extra: int, one: Metric) -> str:
    """What more rows would give, in a sentence: an improvement, or a change with the sign that the metric has."""
    name, bounded = in_words(one.name), None not in one.bounds
    what = f"{extra:,} more labelled rows"
    # Not by a minus sign, which makes a zero negative.
    turned = Score(value=0.0 - gain.value, low=0.0 - gain.high, high=0.0 - gain.low, n=gain.n)
    change = gain if one.greater_is_better else turned
    if bounded and gain.high < NEGLIGIBLE:
        return f"More rows of this kind would not help: {what} would change {name} by {_written(change, bounded)}."
    if gain.low > 0:
        return f"{what} would improve {name} by about {_written(gain, bounded, sign='-')}."
    return f"No evidence that more rows of this kind would help: {what}, {name} {_written(change, bounded)}."


def _written(change: Score, bounded: bool, *, sign: str = "+") -> str:
    """A change with its interval, of a bounded metric in hundredths.

    >>> _written(Score(value=0.02, low=-0.01, high=0.05, n=9), True)
    '+2.0 points (−1.0 to +5.0)'
    """
    ends = (change.value, change.low, change.high)
    written = [f"{100 * end:{sign}.1f}" if bounded else f"{end:{sign}.3g}" for end in ends]
    value, low, high = (end.replace("-", "−") for end in written)
    return f"{value}{' points' if bounded else ''} ({low} to {high})"
