"""Outputs of a network, or vectors of an encoder, for any number of rows, in batches sorted by length."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tunewright.errors import ModelError
from tunewright.events import Event, Observer, silent
from tunewright.models.encoder import Encoder
from tunewright.models.exhausted import give_back, is_exhausted
from tunewright.models.inputs import Inputs, evaluation_batches
from tunewright.models.network import Network, join_vectors

Array = np.ndarray[Any, np.dtype[Any]]
# Padded tokens of a forward pass. On a CPU the activations of 2,048 stay in its caches: measured on all-MiniLM-L6-v2 in
# bfloat16, 1,500 texts of 22 tokens took 5.3 s of one core, and 6.2 s with 8,192; of 11 tokens 5.0 s and 5.2 s.
TOKENS, GPU_TOKENS = 2048, 8192
Tick = Callable[[int, int], None]


def no_tick(done: int, total: int) -> None:
    """Nobody watches."""


def predict_outputs(
    network: Network,
    inputs: Inputs,
    *,
    device: torch.device,
    tick: Tick = no_tick,
    tokens: int | None = None,
    observe: Observer = silent,
) -> Array:
    """(n, K) float32 outputs of the network in evaluation mode.

    Args:
        network: on `device`.
        inputs: n rows.
        device: where to compute.
        tick: hears how many rows are done, of how many.
        tokens: padded tokens at a time, at most, None for what suits the device; where memory ends they are halved and
            the rows computed again.
        observe: hears of a halving.

    Raises:
        ModelError: there is no memory for a single row.
    """
    network.eval()
    return _run(_Pass(lambda segments, dense: network(segments, dense), device, tick, observe), inputs, tokens)


def encode_inputs(
    encoder: Encoder,
    inputs: Inputs,
    *,
    device: torch.device,
    tick: Tick = no_tick,
    tokens: int | None = None,
    observe: Observer = silent,
    batches: Sequence[Array] | None = None,
) -> Array:
    """(n, V) float32 joined vectors of the rows' texts without dense features; otherwise as `predict_outputs`.

    With `batches`, some of those of `evaluation_batches`, vectors of other rows are left undefined.
    """
    encoder.eval()

    def vectors(segments: Any, _: Any) -> Tensor:
        return join_vectors([encoder(ids, mask) for ids, mask in segments])

    return _run(_Pass(vectors, device, tick, observe), inputs, tokens, batches)


@dataclass(frozen=True, slots=True)
class _Pass:
    """A forward pass: what is computed, where, and who hears of it."""

    compute: Callable[[Any, Any], Tensor]
    device: torch.device
    tick: Tick
    observe: Observer

    def of(self, inputs: Inputs, rows: Array) -> Array | None:
        """Values of some rows, or None where there is no memory for them."""
        try:
            return self.compute(*inputs.tensors(rows, self.device)).float().cpu().numpy()
        except (RuntimeError, MemoryError) as error:
            if not is_exhausted(error):
                raise
            return None


def tokens_at_once(device: torch.device) -> int:
    """Padded tokens of a forward pass that suit a device."""
    return GPU_TOKENS if device.type == "cuda" else TOKENS


def _run(forward: _Pass, inputs: Inputs, tokens: int | None, batches: Sequence[Array] | None = None) -> Array:
    tokens = tokens or tokens_at_once(forward.device)
    out: Array | None = None
    done, lengths = 0, inputs.lengths
    with torch.inference_mode():
        left = evaluation_batches(lengths, tokens=tokens) if batches is None else list(batches)
        while left:
            rows = left[0]
            values = forward.of(inputs, rows)
            if values is None:
                left = _smaller(np.concatenate(left), rows, lengths, forward.observe)
                continue
            if out is None:
                out = np.empty((len(inputs), values.shape[1]), np.float32)
            out[rows] = values
            left = left[1:]
            done += len(rows)
            forward.tick(done, len(inputs))
    assert out is not None, "an empty table never reaches the network"
    return out


def _smaller(left: Array, failed: Array, lengths: Array, observe: Observer) -> list[Array]:
    """Batches of the rows that are left, of at most half the tokens of the one that failed."""
    longest = int(lengths[failed].max())
    if len(failed) == 1:
        raise ModelError(
            f"A forward pass must fit into memory, one row at a time if need be. One of {longest} tokens does not. "
            "Close other programs, take a shorter model.max_length, or a smaller backbone."
        )
    give_back(cycles=True)
    tokens = (len(failed) + 1) // 2 * longest
    text = f"Out of memory on {len(failed)} rows of up to {longest} tokens. From here on {tokens:,} tokens at a time."
    observe(Event(station="predict", what="note", text=text, data={"evaluation_tokens": tokens}))
    return [left[batch] for batch in evaluation_batches(lengths[left], tokens=tokens)]
