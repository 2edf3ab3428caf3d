"""Outputs of a network, or vectors of an encoder, for any number of rows, in batches sorted by length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tunewright.models.encoder import Encoder
from tunewright.models.inputs import Inputs, evaluation_batches
from tunewright.models.network import Network, join_vectors

Array = np.ndarray[Any, np.dtype[Any]]
TOKENS = 8192
Tick = Callable[[int, int], None]


def _no_tick(done: int, total: int) -> None:
    """Nobody watches."""


def predict_outputs(network: Network, inputs: Inputs, *, device: torch.device, tick: Tick = _no_tick) -> Array:
    """(n, K) float32 outputs of the network in evaluation mode."""
    network.eval()
    return _run(lambda segments, dense: network(segments, dense), inputs, device, tick)


def encode_inputs(encoder: Encoder, inputs: Inputs, *, device: torch.device, tick: Tick = _no_tick) -> Array:
    """(n, V) float32 joined vectors of the rows' texts, dense features left aside."""
    encoder.eval()
    return _run(lambda segments, _: join_vectors([encoder(ids, mask) for ids, mask in segments]), inputs, device, tick)


def _run(compute: Callable[[Any, Any], Tensor], inputs: Inputs, device: torch.device, tick: Tick) -> Array:
    out: Array | None = None
    done = 0
    with torch.inference_mode():
        for rows in evaluation_batches(inputs.lengths, tokens=TOKENS):
            values = compute(*inputs.tensors(rows, device)).float().cpu().numpy()
            if out is None:
                out = np.empty((len(inputs), values.shape[1]), np.float32)
            out[rows] = values
            done += len(rows)
            tick(done, len(inputs))
    assert out is not None, "an empty table never reaches the network"
    return out
