"""What stands beside a network in its answers, where validation gains by it: a linear model over words, trees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tunewright.bundle.model import FittedModel
from tunewright.learning.boosting import choose_trees, fit_boosting
from tunewright.learning.judging import Judging
from tunewright.learning.lexical import Words, choose_share, fit_lexical
from tunewright.learning.settled import Settled
from tunewright.models.trees import mixed

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answering:
    """A model with what stands beside its network, and what it answers.

    Args:
        model: the model.
        outputs: its outputs per judged part.
        lexical: the linear model over n-grams and its outputs per part, whether or not the model uses it.
        tree_rounds: rounds of boosting that validation chose, whether or not the model uses the trees.
    """

    model: FittedModel
    outputs: Mapping[str, Array]
    lexical: Words | None = None
    tree_rounds: int | None = None


def add_words(judging: Judging, answering: Answering, settled: Settled | None) -> Answering:
    """Fit a linear model over n-grams; the answers are joined where that is better on validation.

    Args:
        judging: the problem and its metric.
        answering: the model so far.
        settled: what earlier fits chose, or None to let validation choose.
    """
    strength = settled.word_strength if settled is not None else None
    words = fit_lexical(judging.problem, judging.judge, judging.importance(), strength=strength)
    if words is None:
        return answering
    model, outputs = answering.model, answering.outputs
    if settled is not None:
        share = settled.share
    else:
        share = choose_share(outputs["validation"], words.outputs["validation"], judging.judge)
    if share:
        model = replace(model, lexical=words.model, lexical_share=share)
        outputs = {part: values + np.float32(share) * words.outputs[part] for part, values in outputs.items()}
    return replace(answering, model=model, outputs=outputs, lexical=words)


def add_trees(judging: Judging, answering: Answering, settled: Settled | None) -> Answering:
    """Boost trees over the table's columns; the answers are mixed where that is better on validation.

    Args:
        judging: the problem and its metric.
        answering: the model so far.
        settled: what earlier fits chose, or None to let validation choose.
    """
    problem = judging.problem
    plain = problem.preprocessor.featurizer.plain
    tables = {part: plain(frame) for part, frame in problem.typed.items() if len(problem.inputs[part])}
    rounds = settled.tree_rounds if settled is not None else None
    boosted = fit_boosting(tables, problem, judging.importance(), rounds=rounds)
    if boosted is None:
        return answering
    model, outputs = answering.model, answering.outputs
    if settled is not None:
        share = settled.trees_share
    else:
        held, targets = boosted.outputs["validation"], problem.targets["validation"]
        share = choose_trees(outputs["validation"], held, targets, judging.score, seed=problem.seed)
    if share:
        model = replace(model, trees=boosted.trees, trees_share=share)
        outputs = {part: mixed(values, boosted.outputs[part], share) for part, values in outputs.items()}
    return replace(answering, model=model, outputs=outputs, tree_rounds=boosted.rounds)


def said_beside(model: FittedModel) -> str:
    """What stands beside the network, in words; empty where nothing does."""
    return " and ".join([name for name, part in (("words", model.lexical), ("trees", model.trees)) if part is not None])
