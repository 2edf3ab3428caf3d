"""Where the network computes: here, which is the usual case, or spread over ranks (`spread`)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import torch
from torch import Tensor

from tunewright.events import Observer, silent
from tunewright.models.inputs import Inputs
from tunewright.models.network import Network
from tunewright.models.outputs import predict_outputs
from tunewright.training.parallel.exchange import Exchange, NoExchange

if TYPE_CHECKING:
    from tunewright.training.flat import Group as Weights
    from tunewright.training.recipe import Recipe

Array = np.ndarray[Any, np.dtype[Any]]


class Compute(Protocol):
    """What the training loop asks for beside its own arithmetic."""

    @property
    def signal(self) -> int | None:
        """A signal that another process of the run has received."""
        ...

    def start(self, network: Network, groups: Sequence[Weights], recipe: Recipe) -> Exchange:
        """Get ready for the training of a network; gives what its optimiser asks."""
        ...

    def features(self, network: Network, inputs: Inputs, rows: Array, device: torch.device) -> Tensor:
        """(B, F) what the head sees of a batch, differentiable where gradients are wanted."""
        ...

    def predict(
        self,
        network: Network,
        inputs: Inputs,
        *,
        device: torch.device,
        tokens: int | None = None,
        observe: Observer = silent,
    ) -> Array:
        """(n, K) float32 outputs of all rows in evaluation mode; `tokens` and `observe` as in `predict_outputs`."""
        ...


class Here:
    """In this process."""

    @property
    def signal(self) -> int | None:
        """There is no other process."""
        return None

    def start(self, network: Network, groups: Sequence[Weights], recipe: Recipe) -> Exchange:
        """Nothing to get ready."""
        return NoExchange()

    def features(self, network: Network, inputs: Inputs, rows: Array, device: torch.device) -> Tensor:
        """The network's own."""
        return network.features(*inputs.tensors(rows, device))

    def predict(
        self,
        network: Network,
        inputs: Inputs,
        *,
        device: torch.device,
        tokens: int | None = None,
        observe: Observer = silent,
    ) -> Array:
        """All batches, one after the other."""
        return predict_outputs(network, inputs, device=device, tokens=tokens, observe=observe)
