"""One linear model for any task on sparse or dense features, its strength picked on validation."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewright.learning.problem import Problem
from tunewright.tasks import Multilabel, Regression

Array = np.ndarray[Any, np.dtype[Any]]
STRENGTHS = (0.3, 1.0, 3.0)
PENALTIES = (0.3, 1.0, 3.0, 10.0)
NEVER = -30.0


@dataclass(frozen=True, slots=True, eq=False)
class Linear:
    """A fitted linear map: `weight` (K, I), `bias` (K,), its outputs for every part, the strength that was chosen."""

    weight: Array
    bias: Array
    outputs: Mapping[str, Array]
    strength: float


def fit_linear(
    features: Mapping[str, Any],
    problem: Problem,
    judge: Callable[[Array], float],
    weights: Array | None = None,
    *,
    strength: float | None = None,
) -> Linear:
    """Fit a linear support vector machine, or a ridge regression, for each strength; keep the best on validation.

    Args:
        features: per part, (n, I) matrices, sparse or dense.
        problem: task and targets.
        judge: validation outputs to the objective metric, higher is better.
        weights: (n,) importance of the train rows, or None.
        strength: the only one to fit; None tries the grid.

    Returns:
        Outputs are margins or scaled values; a fitted temperature makes margins probabilities.
    """
    grid = PENALTIES if isinstance(problem.task, Regression) else STRENGTHS
    if strength is not None:
        weight, bias = _fit_one(features["train"], problem, strength, weights)
        return Linear(weight, bias, _outputs(features, weight, bias), strength)
    best: tuple[float, Linear] | None = None
    for strength in grid:
        weight, bias = _fit_one(features["train"], problem, strength, weights)
        outputs = _outputs(features, weight, bias)
        quality = judge(outputs["validation"])
        if best is None or quality > best[0]:
            best = (quality, Linear(weight, bias, outputs, strength))
    assert best is not None
    return best[1]


def _outputs(features: Mapping[str, Any], weight: Array, bias: Array) -> dict[str, Array]:
    return {part: np.asarray(x @ weight.T + bias, np.float32) for part, x in features.items()}


def _fit_one(x: Any, problem: Problem, strength: float, weights: Array | None) -> tuple[Array, Array]:
    from sklearn.linear_model import Ridge

    task, targets = problem.task, problem.targets["train"]
    if isinstance(task, Regression):
        ridge = Ridge(alpha=strength, random_state=problem.seed).fit(x, targets, sample_weight=weights)
        return ridge.coef_[None].astype(np.float32), np.array([ridge.intercept_], np.float32)
    weight = np.zeros((task.outputs, x.shape[1]), np.float32)
    bias = np.full(task.outputs, NEVER, np.float32)
    if isinstance(task, Multilabel):
        for k in np.flatnonzero((targets.sum(0) > 0) & (targets.sum(0) < len(targets))):
            svm = _svm(x, strength, problem.seed).fit(x, targets[:, k] > 0, sample_weight=weights)
            weight[k], bias[k] = svm.coef_[0], svm.intercept_[0]
        return weight, bias
    svm = _svm(x, strength, problem.seed).fit(x, targets, sample_weight=weights)
    if len(svm.classes_) == 2:
        weight[svm.classes_] = np.concatenate([-svm.coef_, svm.coef_])
        bias[svm.classes_] = [-svm.intercept_[0], svm.intercept_[0]]
    else:
        weight[svm.classes_], bias[svm.classes_] = svm.coef_, svm.intercept_
    return weight, bias


def _svm(x: Any, strength: float, seed: int) -> Any:
    from sklearn.svm import LinearSVC

    # Many rows and few columns: the primal problem, which converges there; otherwise the dual.
    narrow = x.shape[0] > x.shape[1]
    return LinearSVC(C=strength, random_state=seed, dual=not narrow, tol=1e-3, max_iter=20_000)
