"""What a model is still worth on rows without labels, with an interval.

A calibrated probability says how often the answer is right on rows like those it was calibrated on. New rows are
others; the labelled rows that resemble them therefore count more when confidence is calibrated anew (covariate shift:
what is asked changes, the right answer to it does not). Nothing can be known of a change in what the right answer is:
that takes labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tunewright.metrics import Outcome, metric
from tunewright.records import Score
from tunewright.stats import percentile_interval

Array = np.ndarray[Any, np.dtype[Any]]
ROUNDS = 200
DRAWS = 100  # imagined truths that a value is the mean over
HEAVIEST = 20.0  # times the mean weight, that one labelled row may count
FEWEST = 30  # labelled rows
NEWTON = 25


def estimate(
    known: Outcome, new: Outcome, weights: Array, names: Sequence[str], *, seed: int = 0, rounds: int = ROUNDS
) -> dict[str, Score]:
    """Estimate metrics of answers whose truth nobody knows.

    Args:
        known: answers for m labelled rows that the model did not learn from.
        new: answers for n new rows; their truth is not looked at.
        weights: (m,) how much each labelled row counts, of `importance`.
        names: of metrics that read labels, or of accuracy; others, and where fewer than 30 rows are labelled, are left
            out.
        seed: of the resamples.
        rounds: resamples of both sets of rows, which the interval comes from.

    Returns:
        Metric to value and 95 % interval; `n` counts the new rows.
    """
    wanted = [name for name in names if metric(name).needs == "labels"]
    if known.rows < FEWEST or new.task == "regression" or not wanted:
        return {}
    draw = np.random.default_rng(seed)
    whole = _imagined(known, new, weights, draw, draws=DRAWS)
    values = {name: _mean(name, whole) for name in wanted}
    samples: dict[str, list[float]] = {name: [] for name in wanted}
    for _ in range(rounds):
        mine = draw.integers(0, known.rows, known.rows)
        theirs = draw.integers(0, new.rows, new.rows)
        imagined = _imagined(known.take(mine), new.take(theirs), weights[mine], draw, draws=1)
        for name in wanted:
            samples[name].append(_mean(name, imagined))
    return {
        name: _score(values[name], np.array(samples[name]), new.rows) for name in wanted if np.isfinite(values[name])
    }


def estimate_errors(
    known: Outcome, weights: Array, rows: int, names: Sequence[str], *, seed: int = 0, rounds: int = ROUNDS
) -> dict[str, Score]:
    """Estimate the errors of a regression on new rows: those on the labelled rows, each counting by its weight.

    Args:
        known: truth and answers of labelled rows.
        weights: (m,) of `importance`.
        rows: how many new rows there are.
        names: of metrics; all but mean absolute and root mean squared error are left out.
        seed: of the resamples.
        rounds: resamples of the labelled rows.
    """
    missed = np.abs(np.asarray(known.truth, np.float64) - known.labels)
    draw = np.random.default_rng(seed)
    picks = draw.integers(0, len(missed), (rounds, len(missed)))
    found = {}
    for name, power in (("mean_absolute_error", 1.0), ("root_mean_squared_error", 2.0)):
        if name not in names:
            continue
        value = float(np.average(missed**power, weights=weights) ** (1 / power))
        sums = (weights[picks] * missed[picks] ** power).sum(1) / weights[picks].sum(1)
        found[name] = _score(value, np.asarray(sums ** (1 / power)), rows)
    return found


def importance(known: Array, new: Array, *, penalty: float = 1.0) -> Array:
    """(m,) how much each labelled row counts: how many times likelier it is among the new rows; mean 1.

    The odds of a logistic regression that tells the two apart, of which none exceeds 20 times the mean. Where new rows
    are like the known ones the weights are all about 1.

    Args:
        known: (m, F) what labelled rows are told by.
        new: (n, F) of new rows.
        penalty: on the coefficients; large, since weights cost more by their spread than they gain by being exact.
    """
    from sklearn.linear_model import LogisticRegression

    both = np.concatenate([known, new]).astype(np.float64)
    both -= both.mean(0)
    both /= max(float(np.sqrt((both * both).sum(1).mean())), 1e-12)
    side = np.repeat([0, 1], [len(known), len(new)])
    told = LogisticRegression(C=1 / penalty, class_weight="balanced", max_iter=200).fit(both, side)
    odds = np.exp(np.clip(told.decision_function(both[: len(known)]), -10, 10))
    weights = np.minimum(odds / odds.mean(), HEAVIEST)
    return np.asarray(weights / weights.mean())


def effective_rows(weights: Array) -> float:
    """How many rows of equal weight would tell as much (Kish 1965).

    >>> effective_rows(np.ones(7))
    7.0
    """
    return float(weights.sum() ** 2 / (weights**2).sum())


def _imagined(known: Outcome, new: Outcome, weights: Array, draw: np.random.Generator, *, draws: int) -> list[Outcome]:
    """The new answers beside truths drawn from probabilities that the weighted rows calibrated."""
    if new.task == "multilabel":
        return _imagined_labels(known, new, weights, draw, draws=draws)
    sure_known, sure_new = _surety(known), _surety(new)
    right = np.asarray(known.labels == known.truth, np.float64)
    slope, offset = weighted_platt(_logit(sure_known), right, weights)
    chance = 1 / (1 + np.exp(-(slope * _logit(sure_new) + offset)))
    assert new.probabilities is not None
    rest = new.probabilities.astype(np.float64).copy()
    rest[np.arange(new.rows), new.labels] = 0
    rest /= np.maximum(rest.sum(1, keepdims=True), 1e-12)
    upto = np.cumsum(rest, 1)
    found = []
    for _ in range(draws):
        other = np.minimum((draw.random((new.rows, 1)) > upto).sum(1), new.classes - 1)
        truth = np.where(draw.random(new.rows) < chance, new.labels, other)
        found.append(replace(new, truth=truth.astype(np.int64)))
    return found


def _imagined_labels(
    known: Outcome, new: Outcome, weights: Array, draw: np.random.Generator, *, draws: int
) -> list[Outcome]:
    """The same for several labels a row: one slope and offset for all labels, since most have few rows."""
    assert known.probabilities is not None and new.probabilities is not None
    every = np.repeat(weights, known.classes)
    slope, offset = weighted_platt(_logit(known.probabilities.ravel()), known.truth.ravel().astype(np.float64), every)
    chance = 1 / (1 + np.exp(-(slope * _logit(new.probabilities) + offset)))
    return [replace(new, truth=(draw.random(chance.shape) < chance).astype(np.int64)) for _ in range(draws)]


def weighted_platt(x: Array, right: Array, weights: Array) -> tuple[float, float]:
    """Slope and offset of a weighted logistic regression, held to slope 1 and offset 0 by one row's worth of prior.

    Args:
        x: (m,) log odds of the probabilities that were said.
        right: (m,) whether the answer was right.
        weights: (m,) how much each row counts.

    Source: Platt (1999), with a Gaussian prior around the calibration that the model came with.
    """
    slope, offset = 1.0, 0.0
    for _ in range(NEWTON):
        p = 1 / (1 + np.exp(-(slope * x + offset)))
        w = weights * np.maximum(p * (1 - p), 1e-9)
        miss = weights * (p - right)
        d_slope, d_offset = float((miss * x).sum() + (slope - 1)), float(miss.sum() + offset)
        a, b, c = float((w * x * x).sum() + 1), float((w * x).sum()), float(w.sum() + 1)
        determinant = a * c - b * b
        step = (c * d_slope - b * d_offset) / determinant, (a * d_offset - b * d_slope) / determinant
        slope, offset = max(slope - float(np.clip(step[0], -2, 2)), 0.0), offset - float(np.clip(step[1], -2, 2))
        if max(abs(step[0]), abs(step[1])) < 1e-6:
            break
    return slope, offset


def _surety(outcome: Outcome) -> Array:
    """(n,) probability of the label that was said."""
    assert outcome.probabilities is not None
    return np.asarray(outcome.probabilities[np.arange(outcome.rows), outcome.labels], np.float64)


def _logit(p: Array) -> Array:
    clipped = np.clip(np.asarray(p, np.float64), 1e-4, 1 - 1e-4)
    return np.asarray(np.log(clipped / (1 - clipped)))


def _mean(name: str, imagined: Sequence[Outcome]) -> float:
    found = [value for one in imagined if (value := metric(name).value(one)) is not None]
    return float(np.mean(found)) if found else float("nan")


def _score(value: float, samples: Array, n: int) -> Score:
    finite = samples[np.isfinite(samples)]
    low, high = percentile_interval(finite) if len(finite) else (value, value)
    return Score(value=value, low=min(low, value), high=max(high, value), n=n)
