"""A fitted model in memory: the same object before it is written and after it is read back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import polars as pl

from tunewright.bundle.preprocessor import Preprocessor
from tunewright.errors import ModelError
from tunewright.models.engine import Engine, TorchEngine
from tunewright.models.lexical import Lexical
from tunewright.models.tokens import TextTokenizer
from tunewright.models.trees import Trees, mixed
from tunewright.tasks import Decision, Task

if TYPE_CHECKING:
    import torch

    from tunewright.models.inputs import Inputs
    from tunewright.models.network import Network

Array = np.ndarray[Any, np.dtype[Any]]


class Predict(Protocol):
    """Computes what a network says of rows, somehow."""

    def __call__(self, network: Network, inputs: Inputs, *, device: torch.device) -> Array:
        """(n, K) float32 outputs."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FittedModel:
    """Everything needed to answer for a row.

    Args:
        engine: computes the network's outputs.
        preprocessor: fitted on train rows.
        tokenizer: the backbone's; None for table-only models.
        task: labels or target scale.
        decision: temperature, thresholds, interval width; chosen on validation.
        metric: the objective metric.
        precision: float32, bfloat16 or int8, of the encoder.
        head: kind of head.
        backbone: its name in the plan, or None for table-only models.
        pooling: how token vectors become one.
        lexical: the linear model over n-grams whose outputs are added, or None.
        lexical_share: what they are multiplied by.
        trees: boosted trees over the table's columns whose outputs are mixed in, or None.
        trees_share: their share in the mixture.
    """

    engine: Engine
    preprocessor: Preprocessor
    tokenizer: TextTokenizer | None
    task: Task
    decision: Decision
    metric: str
    precision: str
    head: str
    backbone: str | None
    pooling: str
    lexical: Lexical | None = None
    lexical_share: float = 0.0
    trees: Trees | None = None
    trees_share: float = 0.0

    @property
    def has_network(self) -> bool:
        """Whether the torch network is here, with its vectors and gradients."""
        return isinstance(self.engine, TorchEngine)

    @property
    def network(self) -> Network:
        """The torch network.

        Raises:
            ModelError: the model was exported to a runtime that only answers.
        """
        return self._torch().network

    @property
    def device(self) -> torch.device:
        """Where the torch network computes; raises as `network` does."""
        return self._torch().device

    def _torch(self) -> TorchEngine:
        if not isinstance(self.engine, TorchEngine):
            raise ModelError(
                f"Vectors and gradients need the trained network. This bundle was exported to {self.engine.kind}, "
                "which only answers. Use the bundle that it was exported from."
            )
        return self.engine

    def outputs(self, typed: pl.DataFrame, *, predict: Predict | None = None) -> Array:
        """(n, K) float32 outputs for typed rows; `predict` in place of the network's plain forward pass."""
        return self.outputs_for(self.preprocessor.compose(typed), typed, predict=predict)

    def outputs_for(
        self, texts: Sequence[Sequence[str]], typed: pl.DataFrame, *, predict: Predict | None = None
    ) -> Array:
        """(n, K) float32 outputs for composed texts, one list of n per segment, and the table cells of typed rows."""
        inputs = self.preprocessor.inputs_of(texts, typed, self.tokenizer)
        outputs = predict(self.network, inputs, device=self.device) if predict else self.engine.outputs(inputs)
        return self.beside(outputs, texts, inputs.dense, typed)

    def beside(self, outputs: Array, texts: Sequence[Sequence[str]], dense: Array, typed: pl.DataFrame) -> Array:
        """(n, K) outputs of the network with what stands beside it: words added, trees mixed in.

        Args:
            outputs: (n, K) of the network.
            texts: cleaned texts, one list of n per segment; read by the words alone.
            dense: (n, F) fitted features of the same rows; read by the words alone.
            typed: the same rows; read by the trees alone.
        """
        if self.lexical is not None:
            outputs = np.asarray(outputs + np.float32(self.lexical_share) * self.lexical.outputs(texts, dense))
        if self.trees is not None:
            found = self.trees.outputs(self.preprocessor.featurizer.plain(typed), self.task.outputs)
            outputs = mixed(outputs, found, self.trees_share)
        return outputs
