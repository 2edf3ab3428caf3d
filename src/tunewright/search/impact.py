"""What each hyperparameter does to the score, beside what chance alone looks like.

A forest is fitted to the trials; a hyperparameter's effect is half the distance between the best and the worst mean
prediction over its values (partial dependence, Friedman 2001; marginals as in Hutter et al. 2014). Its interval comes
from resampled trials. The floor is the larger of two: what two seeds differ by, and the effects of the same space on
scores that were shuffled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tunewright.records import Impact, Trial
from tunewright.search.space import Dimension
from tunewright.search.strategies import fits

Array = np.ndarray[Any, np.dtype[Any]]
FEWEST = 8
ROUNDS, TREES, GRID = 30, 40, 7
ABSENT = -1.0


def impact(
    trials: Sequence[Trial], dimensions: Sequence[Dimension], *, spread: float | None, seed: int
) -> list[Impact]:
    """The effect of every hyperparameter that was varied, in units of the metric; nothing below eight scored trials.

    Args:
        trials: with scores, higher is better; those that were given up count with what the others gained from there.
        dimensions: of the space.
        spread: standard deviation of the score over seeds, or None where it is not known.
        seed: of forests and resampling.
    """
    scored = [(trial, score) for trial, score in _scores(trials) if fits(trial.params, dimensions)]
    if len(scored) < FEWEST:
        return []
    x = np.stack([[_place(trial, one) for one in dimensions] for trial, _ in scored])
    y = np.array([score for _, score in scored], np.float64)
    varied = [k for k in range(len(dimensions)) if len(np.unique(x[:, k])) > 1]
    rng = np.random.default_rng(seed)
    whole = _effects(x, y, varied, seed)
    drawn = np.array([_effects(x[rows], y[rows], varied, seed) for rows in _resamples(len(y), rng)])
    chance = np.array([_effects(x, rng.permutation(y), varied, seed) for _ in range(ROUNDS)])
    seeds = 1.96 * spread / 2**0.5 if spread is not None else 0.0
    found = []
    for place, k in enumerate(varied):
        floor = max(float(np.quantile(chance[:, place], 0.95)), seeds)
        low, high = np.quantile(drawn[:, place], [0.025, 0.975])
        effect = float(whole[place])
        found.append(
            Impact(
                name=dimensions[k].name,
                effect=effect,
                low=min(float(low), effect),
                high=max(float(high), effect),
                noise_floor=floor,
                matters=effect > floor,
            )
        )
    return found


def _scores(trials: Sequence[Trial]) -> list[tuple[Trial, float]]:
    """Trials that got somewhere, with their score, or where they stood plus what complete ones gained from there."""
    complete = [trial for trial in trials if trial.score is not None]
    found = []
    for trial in trials:
        if trial.score is not None:
            found.append((trial, trial.score))
        elif trial.steps and trial.state != "failed":
            epoch, value = trial.steps[-1]
            gains = [one.score - dict(one.steps)[epoch] for one in complete if one.score and epoch in dict(one.steps)]
            found.append((trial, value + (float(np.median(gains)) if gains else 0.0)))
    return found


def _place(trial: Trial, dimension: Dimension) -> float:
    value = trial.params.get(dimension.name)
    return ABSENT if value is None else dimension.at(value)


def _resamples(count: int, rng: np.random.Generator) -> list[Array]:
    return [rng.integers(0, count, count) for _ in range(ROUNDS)]


def _effects(x: Array, y: Array, varied: Sequence[int], seed: int) -> list[float]:
    """Half the range of the mean prediction over the values of each hyperparameter, where it matters at all."""
    from sklearn.ensemble import ExtraTreesRegressor

    forest = ExtraTreesRegressor(TREES, min_samples_leaf=2, random_state=seed).fit(x, y)
    effects = []
    for k in varied:
        matters = x[x[:, k] != ABSENT]
        values = np.unique(matters[:, k])
        if len(values) > GRID:
            values = np.quantile(values, np.linspace(0, 1, GRID))
        changed = np.repeat(matters, len(values), axis=0)
        changed[:, k] = np.tile(values, len(matters))
        means = forest.predict(changed).reshape(len(matters), len(values)).mean(0)
        effects.append(float(np.ptp(means)) / 2 if len(values) > 1 else 0.0)
    return effects
