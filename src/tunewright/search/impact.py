"""What each hyperparameter does to the score, beside what chance alone looks like.

The scores of the trials are taken as a sum of one smooth curve (choices: one level each) per hyperparameter and noise:
an additive Gaussian process (Duvenaud et al. 2011), whose amount of noise is what makes the scores most likely. A
hyperparameter's effect is half the distance between the highest and the lowest point of its curve; its interval is that
of curves drawn from the posterior. The floor is the larger of two: what two seeds differ by, and the effects that the
same space shows where the noise is shuffled and the hyperparameter does nothing (ter Braak 1992).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewright.records import Impact, Trial
from tunewright.search.space import Dimension
from tunewright.search.strategies import fits

Array = np.ndarray[Any, np.dtype[Any]]
FEWEST = 8
DRAWS, GRID = 400, 9
FALSE_ALARM = 0.05  # of a whole search, so that many hyperparameters do not make one matter
LENGTH = 0.35  # over which a curve may bend, as a share of the range
NOISE = 10.0 ** np.arange(-3.0, 3.5, 0.5)  # variance of the noise beside that of one curve
ABSENT = -1.0


def impact(
    trials: Sequence[Trial], dimensions: Sequence[Dimension], *, spread: float | None, seed: int
) -> list[Impact]:
    """The effect of every hyperparameter that was varied, in units of the metric; nothing below eight scored trials.

    Costs n³ for n trials.

    Args:
        trials: with scores, higher is better; those that were given up count with what the others gained from there.
        dimensions: of the space.
        spread: standard deviation of the score over seeds, or None where it is not known.
        seed: of what is drawn and shuffled.
    """
    scored = [(trial, score) for trial, score in _scores(trials) if fits(trial.params, dimensions)]
    if len(scored) < FEWEST:
        return []
    places = {one.name: np.array([_place(trial, one) for trial, _ in scored]) for one in dimensions}
    varied = [one for one in dimensions if len(np.unique(places[one.name][places[one.name] != ABSENT])) > 1]
    if not varied:
        return []
    y = np.array([score for _, score in scored], np.float64)
    curves = [_curve(one, places[one.name]) for one in varied]
    fitted = _fit(curves, y - y.mean())
    rng = np.random.default_rng(seed)
    seeds = 1.96 * spread / 2**0.5 if spread is not None else 0.0
    return [
        _impact(one.name, curve, fitted, len(varied), seeds, rng) for one, curve in zip(varied, curves, strict=True)
    ]


@dataclass(frozen=True, slots=True)
class _Curve:
    """One hyperparameter: covariances between trials (n, n), points and trials (g, n), points (g, g)."""

    among: Array
    to_points: Array
    points: Array


@dataclass(frozen=True, slots=True)
class _Fitted:
    """The sum of all curves: y (n,), precision (n, n) of the scores, its product with y, noise, variance of a curve."""

    y: Array
    precision: Array
    weights: Array
    noise: float
    variance: float


def _fit(curves: Sequence[_Curve], y: Array) -> _Fitted:
    """Choose the noise by the marginal likelihood, in which the variance of a curve has its best value."""
    values, vectors = np.linalg.eigh(np.ones((len(y), len(y))) + sum(curve.among for curve in curves))
    turned = vectors.T @ y

    def loss(noise: float) -> float:
        widths = np.maximum(values, 0) + noise
        return len(y) * float(np.log((turned**2 / widths).mean() + 1e-30)) + float(np.log(widths).sum())

    noise = float(min(NOISE, key=loss))
    widths = np.maximum(values, 0) + noise
    precision = (vectors / widths) @ vectors.T
    return _Fitted(y, precision, precision @ y, noise, float((turned**2 / widths).mean()))


def _impact(name: str, curve: _Curve, fitted: _Fitted, tested: int, seeds: float, rng: np.random.Generator) -> Impact:
    mean = curve.to_points @ fitted.weights
    effect = float(np.ptp(mean)) / 2
    chance = _effects(curve.to_points @ (fitted.precision @ _without(curve, fitted, rng)))
    spread = curve.points - curve.to_points @ fitted.precision @ curve.to_points.T
    values, vectors = np.linalg.eigh(fitted.variance * spread)
    drawn = vectors * np.sqrt(np.maximum(values, 0)) @ rng.standard_normal((len(mean), DRAWS))
    low, high = np.quantile(_effects(mean[:, None] + drawn), [0.025, 0.975])
    floor = max(float(np.quantile(chance, 1 - FALSE_ALARM / tested)), seeds)
    return Impact(
        name=name,
        effect=effect,
        low=min(float(low), effect),
        high=max(float(high), effect),
        noise_floor=floor,
        matters=effect > floor,
    )


def _without(curve: _Curve, fitted: _Fitted, rng: np.random.Generator) -> Array:
    """(n, DRAWS) scores as they would be if this hyperparameter did nothing: the other curves and shuffled noise."""
    noise = fitted.weights / np.diag(fitted.precision)  # of each trial, as foretold from the others
    others = fitted.y - fitted.noise * fitted.weights - curve.among @ fitted.weights
    return np.asarray(others[:, None] + rng.permuted(np.repeat(noise[:, None], DRAWS, axis=1), axis=0))


def _effects(curves: Array) -> Array:
    return np.asarray(np.ptp(curves, axis=0) / 2)


def _curve(dimension: Dimension, places: Array) -> _Curve:
    """Covariances of one hyperparameter's curve; where it does not matter, it adds nothing."""
    points = np.unique(places[places != ABSENT])
    if not dimension.choices and len(points) > GRID:
        points = np.linspace(0, 1, GRID)

    def alike(a: Array, b: Array) -> Array:
        apart = a[:, None] - b[None]
        # A straight line and what bends away from it; choices know nothing of each other.
        ordered = (2 * a[:, None] - 1) * (2 * b[None] - 1) + np.exp(-((apart / LENGTH) ** 2) / 2)
        same = (apart == 0).astype(float) if dimension.choices else ordered
        return np.asarray(same * (a != ABSENT)[:, None] * (b != ABSENT)[None])

    return _Curve(alike(places, places), alike(points, places), alike(points, points))


def _scores(trials: Sequence[Trial]) -> list[tuple[Trial, float]]:
    """Trials that got somewhere, with their score, or where they stood plus what complete ones gained from there."""
    complete = [trial for trial in trials if trial.score is not None]
    found = []
    for trial in trials:
        if trial.score is not None:
            found.append((trial, trial.score))
        elif trial.steps and trial.state != "failed":
            epoch, value = trial.steps[-1]
            gains = [
                one.score - dict(one.steps)[epoch]
                for one in complete
                if one.score is not None and epoch in dict(one.steps)
            ]
            found.append((trial, value + (float(np.median(gains)) if gains else 0.0)))
    return found


def _place(trial: Trial, dimension: Dimension) -> float:
    value = trial.params.get(dimension.name)
    return ABSENT if value is None else dimension.at(value)
