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

    def places(self, rows: Array, moves: Array) -> Array:
        """(m, K) where answers lie, such that their distance says how far they are from each other.

        Log probabilities less their mean over labels, whose distance is that of compositions (Aitchison 1986); log odds
        of labels that do not exclude each other; the value of a regression.
        """
        outputs = np.asarray(self.outputs(rows, moves), np.float64)
        if isinstance(self.task, Regression):
            return outputs * self.task.scale
        outputs = outputs / self.temperature
        return outputs if isinstance(self.task, Multilabel) else outputs - outputs.mean(1, keepdims=True)


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
