"""One linear model for any task on sparse or dense features, its strength picked on validation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tunewright.learning.problem import Problem
from tunewright.tasks import Multilabel, Regression

Array = np.ndarray[Any, np.dtype[Any]]
STRENGTHS = (0.25, 1.0, 4.0)
PENALTIES = (0.3, 1.0, 3.0, 10.0)


def fit_linear(features: Mapping[str, Any], problem: Problem) -> dict[str, Array]:
    """Fit a linear support vector machine, or a ridge regression, and return its outputs for every part.

    Args:
        features: per part, (n, F) matrices, sparse or dense.
        problem: task and targets.

    Returns:
        Per part (n, K) float32 outputs. Margins serve as logits; a fitted temperature makes them probabilities.
    """
    grid = PENALTIES if isinstance(problem.task, Regression) else STRENGTHS
    best: tuple[float, dict[str, Array]] | None = None
    for strength in grid:
        outputs = _fit_one(features, problem, strength)
        quality = _quality(problem, outputs["validation"])
        if best is None or quality > best[0]:
            best = (quality, outputs)
    assert best is not None
    return best[1]


def _fit_one(features: Mapping[str, Any], problem: Problem, strength: float) -> dict[str, Array]:
    from sklearn.linear_model import Ridge
    from sklearn.multiclass import OneVsRestClassifier
    from sklearn.svm import LinearSVC

    task, targets = problem.task, problem.targets["train"]
    if isinstance(task, Regression):
        ridge = Ridge(alpha=strength, random_state=problem.seed).fit(features["train"], targets)
        return {part: np.asarray(ridge.predict(x), np.float32)[:, None] for part, x in features.items()}
    # Few rows beside many features: the dual problem; many rows and few columns: the primal, which converges there.
    narrow = features["train"].shape[0] > features["train"].shape[1]
    svm = LinearSVC(C=strength, random_state=problem.seed, dual=not narrow, tol=1e-3, max_iter=20_000)
    if isinstance(task, Multilabel):
        used = np.flatnonzero((targets.sum(0) > 0) & (targets.sum(0) < len(targets)))
        model = OneVsRestClassifier(svm).fit(features["train"], targets[:, used].astype(np.int64))
    else:
        used = np.unique(targets)
        model = svm.fit(features["train"], targets)
    outputs = {}
    for part, x in features.items():
        margins = np.asarray(model.decision_function(x), np.float32)
        if margins.ndim == 1:
            margins = np.stack([-margins, margins], axis=1) if not isinstance(task, Multilabel) else margins[:, None]
        outputs[part] = np.full((x.shape[0], task.outputs), -30.0, np.float32)
        outputs[part][:, used] = margins
    return outputs


def _quality(problem: Problem, outputs: Array) -> float:
    """Accuracy, mean agreement per label, or minus the squared error."""
    targets = problem.targets["validation"]
    if isinstance(problem.task, Regression):
        return -float(((outputs[:, 0] - targets) ** 2).mean())
    if isinstance(problem.task, Multilabel):
        return float(((outputs > 0) == (targets > 0.5)).mean())
    return float((outputs.argmax(1) == targets).mean())
