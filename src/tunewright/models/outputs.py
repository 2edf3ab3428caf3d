"""Outputs of a network, or vectors of an encoder, for any number of rows, in batches sorted by length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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


def no_tick(done: int, total: int) -> None:
    """Nobody watches."""


def predict_outputs(network: Network, inputs: Inputs, *, device: torch.device, tick: Tick = no_tick) -> Array:
    """(n, K) float32 outputs of the network in evaluation mode."""
    network.eval()
    return _run(lambda segments, dense: network(segments, dense), inputs, device, tick)


def encode_inputs(
    encoder: Encoder,
    inputs: Inputs,
    *,
    device: torch.device,
    tick: Tick = no_tick,
    batches: Sequence[Array] | None = None,
) -> Array:
    """(n, V) float32 joined vectors of the rows' texts, dense features left aside.

    Args:
        encoder: in its precision, on its device.
        inputs: the rows.
        device: where the encoder is.
        tick: hears how many rows are done.
        batches: those of `evaluation_batches` to compute; vectors of other rows are left undefined. None: all.
    """
    encoder.eval()

    def compute(segments: Any, _: Any) -> Tensor:
        return join_vectors([encoder(ids, mask) for ids, mask in segments])

    return _run(compute, inputs, device, tick, batches)


def _run(
    compute: Callable[[Any, Any], Tensor],
    inputs: Inputs,
    device: torch.device,
    tick: Tick,
    batches: Sequence[Array] | None = None,
) -> Array:
    out: Array | None = None
    done = 0
    with torch.inference_mode():
        for rows in evaluation_batches(inputs.lengths, tokens=TOKENS) if batches is None else batches:
            values = compute(*inputs.tensors(rows, device)).float().cpu().numpy()
            if out is None:
                out = np.empty((len(inputs), values.shape[1]), np.float32)
            out[rows] = values
            done += len(rows)
            tick(done, len(inputs))
    assert out is not None, "an empty table never reaches the network"
    return out
