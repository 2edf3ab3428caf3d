"""Baselines that stand beside every model: fitted on train rows, chosen on validation, scored like the model itself.

A baseline gives outputs in the task's own form (logits or scaled values), so decisions and metrics are the same code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tunewright.features.categories import CategoryFeature
from tunewright.features.featurizer import Featurizer
from tunewright.features.numbers import NumberFeature
from tunewright.learning.lexical import Words
from tunewright.learning.linear import fit_linear
from tunewright.learning.problem import Problem
from tunewright.models.lexical import lexical_features, vectorizer
from tunewright.tasks import Multilabel, Regression

Array = np.ndarray[Any, np.dtype[Any]]
Outputs = Mapping[str, Array]
SVD_COMPONENTS = 50
MOST_BOOSTED_CLASSES = 30
ROWS_PER_THREAD = 5_000


@dataclass(frozen=True, slots=True)
class Rows:
    """What a baseline may see.

    Args:
        problem: task, preprocessing, rows, targets.
        frozen: per part, joined frozen vectors and dense features.
        lexical: the fitted linear model over n-grams and its outputs per part, or None without text.
        judge: validation outputs to the objective metric, higher is better.
    """

    problem: Problem
    frozen: Mapping[str, Array]
    lexical: Words | None
    judge: Callable[[Array], float]


def majority(rows: Rows) -> Outputs | None:
    """The most frequent class, the label frequencies, or the median."""
    task, targets = rows.problem.task, rows.problem.targets["train"]
    if isinstance(task, Regression):
        constant = np.array([np.median(targets)])
    elif isinstance(task, Multilabel):
        share = np.clip(targets.mean(0), 1e-6, 1 - 1e-6)
        constant = np.log(share / (1 - share))
    else:
        constant = np.log(np.maximum(np.bincount(targets, minlength=task.outputs), 0.5) / len(targets))
    return {part: np.tile(constant, (len(frame), 1)).astype(np.float32) for part, frame in rows.problem.typed.items()}


def tfidf(rows: Rows) -> Outputs | None:
    """TF-IDF of word 1-2-grams, beside the table columns, and a linear model whose strength validation picks."""
    return rows.lexical.outputs if rows.lexical else None


def boosting(rows: Rows) -> Outputs | None:
    """Histogram gradient boosting on the table columns, plus 50 SVD components of the TF-IDF text."""
    task = rows.problem.task
    if not rows.problem.preprocessor.featurizer.features or isinstance(task, Multilabel):
        return None
    if task.outputs > MOST_BOOSTED_CLASSES:
        return None
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
    from threadpoolctl import threadpool_limits

    tables = {part: _raw(frame, rows.problem.preprocessor.featurizer) for part, frame in rows.problem.typed.items()}
    if rows.lexical is not None:
        components = _components(rows)
        tables = {part: np.concatenate([tables[part], components[part]], axis=1) for part in tables}
    kind = HistGradientBoostingRegressor if isinstance(task, Regression) else HistGradientBoostingClassifier
    targets = rows.problem.targets
    # Stopped on our validation rows: a share of the train rows may lack a class that has one row only.
    known = np.isin(targets["validation"], targets["train"]) if not isinstance(task, Regression) else slice(None)
    held_out = {"X_val": tables["validation"][known], "y_val": targets["validation"][known]}
    watched = len(held_out["y_val"]) > 0
    # A round grows one tree per class.
    rounds = 300 if task.outputs <= 2 else 100
    model = kind(max_iter=rounds, early_stopping=watched, random_state=rows.problem.seed)
    # Threads that wait for each other cost small tables more than they give, above all on a busy machine.
    with threadpool_limits(1 if len(tables["train"]) < ROWS_PER_THREAD else None, user_api="openmp"):
        model.fit(tables["train"], targets["train"], **(held_out if watched else {}))
    if isinstance(task, Regression):
        return {part: model.predict(table)[:, None].astype(np.float32) for part, table in tables.items()}
    return {part: _logits(model, table, task.outputs) for part, table in tables.items()}


def cosine(rows: Rows) -> Outputs | None:
    """Pairs: the cosine of the two frozen vectors, calibrated by a line or a logistic curve."""
    problem = rows.problem
    if len(problem.preprocessor.texts) != 2 or problem.backbone is None:
        return None
    # `pair_vector` puts the scaled cosine behind the two blocks of the encoder's width.
    at = 2 * problem.backbone.width
    return fit_linear({part: x[:, at : at + 1] for part, x in rows.frozen.items()}, problem, rows.judge).outputs


BASELINES: tuple[tuple[str, Callable[[Rows], Outputs | None]], ...] = (
    ("majority", majority),
    ("tfidf", tfidf),
    ("boosting", boosting),
    ("cosine", cosine),
)


def _components(rows: Rows) -> dict[str, Array]:
    """50 SVD components of the texts' TF-IDF, fitted on train rows."""
    from sklearn.decomposition import TruncatedSVD

    assert rows.lexical is not None
    model, prepared = rows.lexical.model, rows.problem.preprocessor
    fitted = vectorizer(model.vocabulary, model.idf)
    nothing = {part: np.zeros((len(frame), 0), np.float32) for part, frame in rows.problem.typed.items()}
    words = {
        part: lexical_features(fitted, prepared.compose(frame), nothing[part])
        for part, frame in rows.problem.typed.items()
    }
    count = min(SVD_COMPONENTS, words["train"].shape[1] - 1, words["train"].shape[0] - 1)
    svd = TruncatedSVD(max(count, 1), random_state=rows.problem.seed).fit(words["train"])
    return {part: svd.transform(matrix) for part, matrix in words.items()}


def _raw(frame: pl.DataFrame, featurizer: Featurizer) -> Array:
    """Table columns as trees like them: numbers with NaN, categories as codes, dates as their parts."""
    columns = []
    for feature in featurizer.features:
        if isinstance(feature, NumberFeature):
            columns.append(frame[feature.column].cast(pl.Float64).to_numpy()[:, None])
        elif isinstance(feature, CategoryFeature):
            columns.append(feature.transform(frame).argmax(1)[:, None].astype(np.float64))
        else:
            columns.append(feature.transform(frame).astype(np.float64))
    return np.concatenate(columns, axis=1)


def _logits(model: Any, table: Array, outputs: int) -> Array:
    """Log probabilities in the task's label order; a class without train rows stays unlikely."""
    logits = np.full((len(table), outputs), -30.0, np.float32)
    logits[:, model.classes_] = np.log(np.maximum(model.predict_proba(table), 1e-12))
    return logits
