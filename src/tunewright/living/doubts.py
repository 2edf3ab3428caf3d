"""How unsure a model is of each answer, and the space in which answers are alike: what the head sees of a row.

Shapes: n rows, K outputs, F features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tunewright.tasks import Classification, Decision, Multilabel, Task

if TYPE_CHECKING:
    from tunewright.bundle.model import FittedModel

Array = np.ndarray[Any, np.dtype[Any]]
ROWS = 4096  # that go through the head at once


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answered:
    """What a model makes of unlabelled rows.

    Args:
        x: (n, F) float32, what the head sees, of unit length.
        residuals: (n, K) float32, probabilities less the model's own answer: all zero where it is sure.
        doubts: (n,) how unsure it is, 0 to 1.
    """

    x: Array
    residuals: Array
    doubts: Array

    def take(self, rows: Array) -> Answered:
        """Some of the rows."""
        return Answered(x=self.x[rows], residuals=self.residuals[rows], doubts=self.doubts[rows])


def answer(model: FittedModel, typed: pl.DataFrame) -> Answered:
    """Put typed rows to a model; every text is encoded once."""
    x, outputs = _features(model, typed)
    residuals, doubts = doubts_of(model.task, outputs, model.decision)
    return Answered(x=unit(x), residuals=residuals, doubts=doubts)


def doubts_of(task: Task, outputs: Array, decision: Decision) -> tuple[Array, Array]:
    """(n, K) residuals and (n,) doubts of outputs.

    With classes doubt is 1 less the margin between the two likeliest, by calibrated probabilities (Scheffer et al.
    2001; a baseline that is hard to beat: Bahri et al. 2022). With several labels a row it is the share of labels that
    are expected to be wrong, twice, so that a coin toss for each is 1. A regression does not say how sure it is: its
    residuals are ones, which leaves the choice to the features, and its doubts 0. Where an answer is given from another
    probability on than one half, that is where doubt is greatest.

    >>> task = Classification(labels=("a", "b", "c"))
    >>> residuals, doubts = doubts_of(task, np.log([[0.5, 0.5, 1e-9], [1.0, 1e-9, 1e-9]]), Decision())
    >>> doubts.round(3).tolist(), residuals.round(3).tolist()[0]
    ([1.0, 0.0], [-0.5, 0.5, 0.0])
    """
    if isinstance(task, Classification):
        probabilities = _by_threshold(task, task.probabilities(outputs, decision), decision)
        said = np.zeros_like(probabilities)
        said[np.arange(len(said)), probabilities.argmax(1)] = 1.0
        best = np.sort(probabilities, axis=1)[:, -2:]
        doubts = 1.0 - (best[:, 1] - best[:, 0])
    elif isinstance(task, Multilabel):
        thresholds = np.array(decision.thresholds or (0.5,) * len(task.labels))
        probabilities = centred(task.probabilities(outputs, decision), thresholds)
        said = (probabilities >= 0.5).astype(float)
        doubts = 2.0 * np.abs(probabilities - said).mean(1)
    else:
        return np.ones((len(outputs), 1), np.float32), np.zeros(len(outputs))
    return (probabilities - said).astype(np.float32), np.asarray(doubts)


def centred(probabilities: Array, threshold: Array | float) -> Array:
    """Probabilities stretched so that the threshold comes to lie at one half, and 0 and 1 stay.

    >>> centred(np.array([0.0, 0.1, 0.2, 0.6, 1.0]), 0.2).tolist()
    [0.0, 0.25, 0.5, 0.75, 1.0]
    """
    below = 0.5 * probabilities / np.maximum(threshold, 1e-9)
    above = 0.5 + 0.5 * (probabilities - threshold) / np.maximum(1 - threshold, 1e-9)
    return np.asarray(np.where(probabilities < threshold, below, above))


def _by_threshold(task: Classification, probabilities: Array, decision: Decision) -> Array:
    if task.positive is None or not decision.thresholds:
        return probabilities
    positive = task.labels.index(task.positive)
    found = probabilities.copy()
    found[:, positive] = centred(probabilities[:, positive], decision.thresholds[0])
    found[:, 1 - positive] = 1 - found[:, positive]
    return found


def unit(x: Array) -> Array:
    """(n, F) rows of unit length: a row that is merely large is not unlike the others."""
    return np.asarray(x / np.maximum(np.linalg.norm(x, axis=1, keepdims=True), 1e-12), np.float32)


def _features(model: FittedModel, typed: pl.DataFrame) -> tuple[Array, Array]:
    """(n, F) what the head sees and (n, K) outputs, words and trees included."""
    import torch

    from tunewright.models.encoder import Encoder
    from tunewright.models.inputs import Inputs
    from tunewright.models.outputs import encode_inputs

    inputs = model.preprocessor.inputs(typed, model.tokenizer)
    parts = [inputs.dense]
    if isinstance(model.network.encoder, Encoder):
        texts = Inputs(inputs.segments, np.zeros((len(inputs), 0), np.float32))
        parts.insert(0, encode_inputs(model.network.encoder, texts, device=model.device))
    x = np.concatenate(parts, axis=1)
    model.network.eval()
    found = []
    with torch.inference_mode():
        for start in range(0, len(x), ROWS):
            some = torch.from_numpy(x[start : start + ROWS]).to(model.device)
            found.append(model.network.head(some).float().cpu().numpy())
    composed = model.preprocessor.compose(typed) if model.lexical is not None else ()
    return x, model.beside(np.concatenate(found), composed, inputs.dense, typed)
