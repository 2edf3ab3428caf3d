"""Baselines that stand beside every model: fitted on train rows, chosen on validation, scored like the model itself.

A baseline gives outputs in the task's own form (logits or scaled values), so decisions and metrics are the same code.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewright.learning.boosting import fit_boosting
from tunewright.learning.lexical import Words
from tunewright.learning.linear import fit_linear
from tunewright.learning.problem import Problem
from tunewright.models.lexical import lexical_features, vectorizer
from tunewright.tasks import Multilabel, Regression

Array = np.ndarray[Any, np.dtype[Any]]
Outputs = Mapping[str, Array]
SVD_COMPONENTS = 50


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
    featurizer = rows.problem.preprocessor.featurizer
    if not featurizer.features or isinstance(rows.problem.task, Multilabel):
        return None
    tables = {part: featurizer.plain(frame) for part, frame in rows.problem.typed.items()}
    if rows.lexical is not None:
        components = _components(rows)
        tables = {part: np.concatenate([tables[part], components[part]], axis=1) for part in tables}
    boosted = fit_boosting(tables, rows.problem)
    return None if boosted is None else boosted.outputs


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
