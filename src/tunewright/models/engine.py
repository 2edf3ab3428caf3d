"""What computes a network's outputs: the seam between a predictor and torch, onnxruntime or OpenVINO."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

if TYPE_CHECKING:
    import torch

    from tunewright.models.inputs import Inputs
    from tunewright.models.network import Network

Array = np.ndarray[Any, np.dtype[Any]]


class Engine(Protocol):
    """Computes what a network says of rows."""

    kind: ClassVar[str]

    def outputs(self, inputs: Inputs) -> Array:
        """(n, K) float32 outputs of n rows, in their order."""
        ...


@dataclass(frozen=True, slots=True, weakref_slot=True, eq=False)
class TorchEngine:
    """A torch network, in its precision, on its device."""

    kind: ClassVar[str] = "torch"

    network: Network
    device: torch.device

    def outputs(self, inputs: Inputs) -> Array:
        """(n, K) float32 outputs of n rows, in their order."""
        from tunewright.models.outputs import predict_outputs

        return predict_outputs(self.network, inputs, device=self.device)
