"""The probe: a regularised linear head on frozen vectors. Cheap, strong, and where fine-tuning starts from.

Shapes: n rows, F features, K outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

Array = np.ndarray[Any, np.dtype[Any]]
Loss = Callable[["Tensor", "Tensor", float], "Tensor"]
# scikit-learn's C for features of unit length, weakest last; each fit starts from the one before it.
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
# How much the encoder's block counts beside table columns; where one block says nothing, the other must not drown.
TEXT_SCALES = (1.0, 0.3, 0.1, 0.02)
# Beside a pair's cosine it may count for nothing.
PAIR_SCALES = (*TEXT_SCALES, 0.0)
# L-BFGS steps: along the path each fit starts near its end, one by itself starts from nothing.
STEPS, STEPS_ALONE = 20, 30
RIDGE = tuple(10.0**power for power in np.arange(-3.5, 3.0, 0.5))


@dataclass(frozen=True, slots=True)
class Probe:
    """A fitted linear head.

    Args:
        weight: (K, F) float32.
        bias: (K,) float32.
        strength: the chosen C (classification) or ridge penalty per row (regression).
        metric: the objective metric on validation, higher is better.
        scale: by which the encoder's block was multiplied while fitting.
    """

    weight: Array
    bias: Array
    strength: float
    metric: float
    scale: float = 1.0

    def outputs(self, x_nF: Array) -> Array:
        """(n, K) outputs."""
        return np.asarray(x_nF @ self.weight.T + self.bias)


@dataclass(frozen=True, slots=True)
class ProbeData:
    """What a probe is fitted on.

    Args:
        x_nF: features of the train rows, the encoder's block first.
        targets: of the train rows.
        weights: (n,) importance of the train rows, or None.
        validation_x: features of the validation rows.
        judge: validation outputs to the objective metric, higher is better.
        encoder_width: columns of the encoder's block; 0 without text.
    """

    x_nF: Array
    targets: Array
    weights: Array | None
    validation_x: Array
    judge: Callable[[Array], float]
    encoder_width: int = 0

    def scaled(self, scale: float) -> ProbeData:
        """The same with the encoder's block multiplied by `scale`."""
        factors = np.ones(self.x_nF.shape[1], np.float32)
        factors[: self.encoder_width] = scale
        return replace(self, x_nF=self.x_nF * factors, validation_x=self.validation_x * factors)


def fit_probe(
    data: ProbeData,
    fit_one: Callable[[ProbeData], Probe],
    scales: Sequence[float] = TEXT_SCALES,
    *,
    error: Callable[[Array, Array], float] | None = None,
) -> Probe:
    """Fit a probe; beside other columns, at the scale of the encoder's block that is best on validation.

    With `error`, at the least scale whose metric lies within one standard error of the best (the rule of Breiman et al.
    1984, section 3.4.3): for a pair, whose cosine says most already, what the rest of the block adds by luck on
    validation rows it takes away on others.

    Args:
        data: what it is fitted on.
        fit_one: fits at one scale and chooses the strength of the penalty.
        scales: to choose from, greatest first.
        error: two candidates' validation outputs to the standard error of the difference of their metrics.
    """
    if data.encoder_width in (0, data.x_nF.shape[1]):
        return fit_one(data)
    found = [_at_scale(data, fit_one, scale) for scale in scales]
    best = max(found, key=lambda probe: probe.metric)
    if error is None:
        return best
    outputs = best.outputs(data.validation_x)
    for probe in reversed(found):
        if probe is best or best.metric - probe.metric <= error(outputs, probe.outputs(data.validation_x)):
            return probe
    return best


def _at_scale(data: ProbeData, fit_one: Callable[[ProbeData], Probe], scale: float) -> Probe:
    found = fit_one(data.scaled(scale))
    weight = found.weight.copy()
    weight[:, : data.encoder_width] *= scale
    return replace(found, weight=weight, scale=scale)


def fit_logistic_probe(data: ProbeData, *, loss: Loss, outputs: int, strengths: Sequence[float] = STRENGTHS) -> Probe:
    """Fit a softmax or sigmoid probe by L-BFGS along a path of strengths; keep the best on validation.

    The penalty of strength C is mean(‖x‖²) / (2 C n) ‖W‖², which for unit-length rows is scikit-learn's. The path ends
    early once two weaker penalties in a row are no better.
    """
    import torch
    from threadpoolctl import threadpool_limits

    x = torch.from_numpy(np.ascontiguousarray(data.x_nF, np.float32))
    targets = torch.from_numpy(data.targets)
    weights = None if data.weights is None else torch.from_numpy(np.asarray(data.weights, np.float32))
    scale = float((x**2).sum(1).mean()) or 1.0
    weight = torch.zeros(outputs, x.shape[1], requires_grad=True)
    bias = torch.zeros(outputs, requires_grad=True)

    def penalised(strength: float, w: Tensor, b: Tensor) -> Tensor:
        return _objective(x @ w.T + b, targets, weights, loss) + scale / (2 * strength * len(x)) * (w**2).sum()

    best: Probe | None = None
    worse = 0
    # L-BFGS's own products are short: threads for them only keep torch's from the cores, up to tenfold on few rows.
    with threadpool_limits(1, user_api="blas"):
        for strength in strengths:
            _descend(weight, bias, partial(penalised, strength), steps=STEPS if len(strengths) > 1 else STEPS_ALONE)
            fitted = _frozen(weight, bias, strength, data)
            worse = 0 if best is None or fitted.metric > best.metric else worse + 1
            if best is None or fitted.metric > best.metric:
                best = fitted
            if worse == 2:
                break
    assert best is not None
    return best


def fit_ridge_probe(data: ProbeData, *, penalties: Sequence[float] = RIDGE) -> Probe:
    """Fit a ridge regression for every penalty at once through one eigendecomposition; keep the best on validation."""
    x = np.asarray(data.x_nF, np.float64)
    weights = np.ones(len(x)) if data.weights is None else np.asarray(data.weights, np.float64)
    x_mean = np.average(x, axis=0, weights=weights)
    y_mean = float(np.average(data.targets, weights=weights))
    root = np.sqrt(weights / weights.mean())
    centered = (x - x_mean) * root[:, None]
    values, vectors = np.linalg.eigh(centered.T @ centered / len(x))
    projected = vectors.T @ (centered.T @ ((data.targets - y_mean) * root) / len(x))
    best: Probe | None = None
    for penalty in penalties:
        weight = vectors @ (projected / (np.maximum(values, 0) + penalty))
        bias = y_mean - float(x_mean @ weight)
        outputs = (data.validation_x @ weight + bias)[:, None]
        metric = data.judge(outputs.astype(np.float32))
        if best is None or metric > best.metric:
            best = Probe(weight[None].astype(np.float32), np.array([bias], np.float32), penalty, metric)
    assert best is not None
    return best


def _objective(outputs: Tensor, targets: Tensor, weights: Tensor | None, loss: Loss) -> Tensor:
    losses = loss(outputs, targets, 0.0)
    return losses.mean() if weights is None else (losses * weights).sum() / weights.sum()


def _descend(weight: Tensor, bias: Tensor, objective: Callable[[Tensor, Tensor], Tensor], *, steps: int) -> None:
    """Move both to where L-BFGS ends. Not torch's own: making one of its optimisers loads a compiler, for a second."""
    import torch
    from scipy.optimize import minimize
    from torch.nn.utils import parameters_to_vector, vector_to_parameters

    def value_and_gradient(at: Array) -> tuple[float, Array]:
        vector_to_parameters(torch.from_numpy(at).float(), [weight, bias])
        value = objective(weight, bias)
        gradients = torch.autograd.grad(value, [weight, bias])
        return float(value.detach()), parameters_to_vector(gradients).double().numpy()

    start = parameters_to_vector([weight, bias]).detach().double().numpy()
    found = minimize(
        value_and_gradient,
        start,
        jac=True,
        method="L-BFGS-B",
        options={"maxiter": steps, "maxcor": 10, "ftol": 1e-6, "gtol": 1e-7},
    )
    vector_to_parameters(torch.from_numpy(found.x).float(), [weight, bias])


def _frozen(weight: Tensor, bias: Tensor, strength: float, data: ProbeData) -> Probe:
    held = Probe(weight.detach().numpy().copy(), bias.detach().numpy().copy(), strength, 0.0)
    return Probe(held.weight, held.bias, strength, data.judge(held.outputs(data.validation_x)))
