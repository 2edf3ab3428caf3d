"""Fit the lexical part, and choose on validation how much of it to add to the network's outputs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewright.learning.linear import fit_linear
from tunewright.learning.problem import Problem
from tunewright.models.lexical import Lexical, lexical_features, vectorizer

Array = np.ndarray[Any, np.dtype[Any]]
MOST_NGRAMS = 30_000
FEWEST_ROWS = 2
SHARES = (0.0, 0.25, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True, slots=True, eq=False)
class Words:
    """The fitted lexical part, its outputs per part, and the strength that was chosen."""

    model: Lexical
    outputs: Mapping[str, Array]
    strength: float


def fit_lexical(
    problem: Problem,
    judge: Callable[[Array], float],
    weights: Array | None = None,
    *,
    strength: float | None = None,
) -> Words | None:
    """Fit TF-IDF on train texts and a linear model on it.

    Args:
        problem: task, texts, targets.
        judge: validation outputs to the objective metric, higher is better.
        weights: (n,) importance of the train rows, or None.
        strength: of the linear model, where it is settled; None chooses it on validation.

    Returns:
        None without text, or without a word that two train rows share.
    """
    if not problem.preprocessor.texts:
        return None
    texts = {part: problem.preprocessor.compose(frame) for part, frame in problem.typed.items()}
    fitted = vectorizer(None, None, min_df=FEWEST_ROWS, max_features=MOST_NGRAMS)
    try:
        fitted.fit([text for segment in texts["train"] for text in segment])
    except ValueError:
        return None
    features = {
        part: lexical_features(fitted, segments, problem.inputs[part].dense)
        for part, segments in texts.items()
        if len(problem.inputs[part])
    }
    linear = fit_linear(features, problem, judge, weights, strength=strength)
    words = tuple(str(word) for word in fitted.get_feature_names_out())
    return Words(Lexical(words, fitted.idf_, linear.weight, linear.bias), linear.outputs, linear.strength)


def choose_share(network: Array, lexical: Array, judge: Callable[[Array], float]) -> float:
    """The share of lexical outputs that is best on validation; the smallest of equals.

    Both are first brought to one spread, so that a share of one means equal say.

    >>> choose_share(np.array([[1.0], [2.0]]), np.array([[9.0], [1.0]]), lambda outputs: float(-outputs[0, 0]))
    0.0
    """
    scale = float(network.std()) / max(float(lexical[lexical > -29].std()), 1e-9)
    values = [judge(network + share * scale * lexical) for share in SHARES]
    return SHARES[int(np.argmax(values))] * scale
