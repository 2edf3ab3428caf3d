"""Histogram gradient boosting on table columns, as a baseline and as a part of the model beside the network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewright.learning.noise import Score, difference_error
from tunewright.learning.problem import Problem
from tunewright.models.trees import Trees, mixed
from tunewright.tasks import Multilabel, Regression

Array = np.ndarray[Any, np.dtype[Any]]
# A round grows one tree per class: beyond so many they cost more than the network does.
MOST_CLASSES = 30
ROUNDS, ROUNDS_OF_MANY = 300, 100
ROWS_PER_THREAD = 5_000
SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0)
ERRORS = 2.5


@dataclass(frozen=True, slots=True, eq=False)
class Boosted:
    """Fitted trees, their outputs per part, and after how many rounds they were stopped."""

    trees: Trees
    outputs: Mapping[str, Array]
    rounds: int


def fit_boosting(
    tables: Mapping[str, Array], problem: Problem, weights: Array | None = None, *, rounds: int | None = None
) -> Boosted | None:
    """Boost trees on the train rows; validation rows say when to stop.

    Args:
        tables: per part, (n, C) float64 columns with NaN where a cell is missing.
        problem: task and targets.
        weights: (n,) importance of the train rows, or None.
        rounds: of boosting, where that is settled; None lets validation rows stop it.

    Returns:
        None without a column, with several labels a row, or with more than 30 classes.
    """
    task, targets = problem.task, problem.targets
    if not tables["train"].shape[1] or isinstance(task, Multilabel) or task.outputs > MOST_CLASSES:
        return None
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    kind = HistGradientBoostingRegressor if isinstance(task, Regression) else HistGradientBoostingClassifier
    held = {} if rounds is not None else _held_out(tables, problem)
    most = rounds or (ROUNDS if task.outputs <= 2 else ROUNDS_OF_MANY)
    model = kind(max_iter=most, early_stopping=bool(held), random_state=problem.seed)
    # Threads that wait for each other cost small tables more than they give, above all on a busy machine.
    with threadpool_limits(1 if len(tables["train"]) < ROWS_PER_THREAD else None, user_api="openmp"):
        model.fit(tables["train"], targets["train"], sample_weight=weights, **held)
    trees = as_trees(model, seen=None if isinstance(task, Regression) else model.classes_)
    outputs = {part: trees.outputs(table, task.outputs) for part, table in tables.items() if part != "train"}
    return Boosted(trees, outputs, model.n_iter_)


def _held_out(tables: Mapping[str, Array], problem: Problem) -> dict[str, Array]:
    """Our validation rows, to stop by: a share of the train rows may lack a class that has one row only."""
    x, y = tables.get("validation"), problem.targets.get("validation")
    if x is None or y is None or not len(y):
        return {}
    known = slice(None) if isinstance(problem.task, Regression) else np.isin(y, problem.targets["train"])
    return {"X_val": x[known], "y_val": y[known]} if len(y[known]) else {}


def as_trees(model: Any, *, seen: Array | None) -> Trees:
    """Take the trees out of scikit-learn's fitted histogram gradient boosting; splits are of numbers only.

    Args:
        model: fitted.
        seen: the classes its scores stand for; None for regression.
    """
    trees = [predictor.nodes for one in model._predictors for predictor in one]
    roots = np.cumsum([0, *(len(nodes) for nodes in trees)])[:-1].astype(np.int64)
    nodes = np.concatenate(trees)
    first = np.repeat(roots, [len(one) for one in trees])
    leaf = nodes["is_leaf"].astype(bool)
    itself = np.arange(len(nodes))
    return Trees(
        column=np.where(leaf, 0, nodes["feature_idx"]).astype(np.int32),
        # Where only missing cells part ways the threshold is infinite, which no file of ours may hold.
        threshold=np.where(leaf, 0.0, np.nan_to_num(nodes["num_threshold"])).astype(np.float64),
        missing_left=nodes["missing_go_to_left"].astype(bool),
        left=np.where(leaf, itself, first + nodes["left"]).astype(np.int32),
        right=np.where(leaf, itself, first + nodes["right"]).astype(np.int32),
        value=np.where(leaf, nodes["value"], 0.0).astype(np.float64),
        roots=roots.astype(np.int32),
        start=np.asarray(model._baseline_prediction, np.float64).ravel(),
        seen=np.zeros(0, np.int64) if seen is None else np.asarray(seen, np.int64),
        depth=np.array(int(nodes["depth"].max()), np.int64),
    )


def choose_trees(network: Array, trees: Array, targets: Array, score: Score, *, seed: int) -> float:
    """The share of the trees' outputs that is best on validation, if it is better beyond its own noise.

    A share is taken where the difference to the network alone exceeds 2.5 of its standard errors: the best of six
    shares is chosen by luck, too.

    Args:
        network: (n, K) validation outputs without trees.
        trees: (n, K) theirs.
        targets: of the validation rows.
        score: outputs and targets to the objective metric, higher is better.
        seed: of the draws.
    """
    values = [score(mixed(network, trees, share), targets) for share in SHARES]
    best = int(np.argmax(values))
    if not best:
        return 0.0
    error = difference_error(mixed(network, trees, SHARES[best]), network, targets, score, seed=seed)
    return SHARES[best] if values[best] - values[0] > ERRORS * error else 0.0
