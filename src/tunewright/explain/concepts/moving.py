"""What a model says of held-out rows when their text vectors are moved and all else of them stays.

Shapes: n rows, V width of a text vector, F what the head sees, K outputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tunewright.explain.aim import pushes
from tunewright.explain.asking import Asker, run_head
from tunewright.tasks import Multilabel, Regression, Task

if TYPE_CHECKING:
    import torch

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Held:
    """Held-out rows whose text vectors can be moved.

    Args:
        task: the model's.
        temperature: logits are divided by it.
        head: the model's, or one in its place.
        device: where the head is.
        features: (n, F) text vectors, then dense features.
        width: V.
        share: of the network in the answer; less than one where trees are mixed in.
        beside: (n, K) what words and trees add, whatever the network says.
    """

    task: Task
    temperature: float
    head: torch.nn.Module
    device: torch.device
    features: Array
    width: int
    share: float
    beside: Array

    def vectors(self) -> Array:
        """(n, V) the text vectors as they are."""
        return self.features[:, : self.width]

    def outputs(self, rows: Array, moves: Array) -> Array:
        """(m, K) outputs of the whole model for some of the rows, their text vectors moved by (m, V)."""
        features = self.features[rows]
        features[:, : self.width] += moves
        return np.asarray(self.share * run_head(self.head, features, self.device) + self.beside[rows])

    def lost(self, rows: Array, moves: Array) -> Array:
        """(m, K) what the moves take from each label's log odds (regression: from the value)."""
        before, after = (
            pushes(self.task, self.outputs(rows, one), self.temperature) for one in (np.zeros_like(moves), moves)
        )
        return np.asarray(before - after)

    def levels(self, rows: Array, moves: Array) -> Array:
        """(m, K) probability of every label; regression: (m, 1) the value in standard deviations of the target."""
        return levels_of(self.task, self.outputs(rows, moves), self.temperature)


def hold(asker: Asker, typed: pl.DataFrame) -> Held:
    """Typed rows of a model that reads one text, ready to be moved.

    Args:
        asker: the model; texts that it has encoded before cost nothing.
        typed: the rows.
    """
    model = asker.model
    texts = model.preprocessor.compose(typed)
    dense = model.preprocessor.featurizer.transform(typed)
    vectors = asker.vectors(texts[0])
    silent = np.zeros((len(vectors), model.task.outputs), np.float32)
    return Held(
        task=model.task,
        temperature=model.decision.temperature,
        head=model.network.head,
        device=model.device,
        features=np.concatenate([vectors, dense], axis=1),
        width=vectors.shape[1],
        share=1.0 - model.trees_share if model.trees is not None else 1.0,
        # Both are added to what the network says, so that of a silent network they are all there is.
        beside=model.beside(silent, texts, dense, typed),
    )


def levels_of(task: Task, outputs: Array, temperature: float) -> Array:
    """(..., K) probabilities of (..., K) outputs; regression: the outputs, which are standard deviations.

    >>> levels_of(Multilabel(labels=("a",)), np.array([[0.0]]), 1.0).tolist()
    [[0.5]]
    """
    from scipy.special import expit, softmax

    values = np.asarray(outputs, np.float64)
    if isinstance(task, Regression):
        return values
    values = values / temperature
    return np.asarray(expit(values) if isinstance(task, Multilabel) else softmax(values, axis=-1))


def apart(task: Task, first: Array, second: Array) -> Array:
    """(...) how far two answers (..., K) are from each other, 0 to 1; regression: in standard deviations.

    Half the sum of absolute differences of probabilities, which is the largest difference that any set of labels can
    show (total variation); of labels that do not exclude each other, the mean.
    """
    differences = np.abs(first - second)
    if isinstance(task, Regression | Multilabel):
        return np.asarray(differences.mean(-1))
    return np.asarray(differences.sum(-1) / 2)
