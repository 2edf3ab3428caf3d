"""Rows as an exported graph takes them: named arrays, batch by batch.

The names are a promise to whoever runs the graph without us: `input_ids` and `attention_mask` (B, T) int64,
`input_ids_2` and `attention_mask_2` for the second text of a pair, `features` (B, F) float32; out come `outputs`
(B, K).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np

from tunewright.errors import ModelError
from tunewright.models.inputs import Inputs, evaluation_batches, padded
from tunewright.models.names import show

Array = np.ndarray[Any, np.dtype[Any]]
Feed = dict[str, Array]
FEATURES: Final = "features"
OUTPUTS: Final = "outputs"
TOKENS: Final = 2048  # padded tokens of a batch: as for torch on a CPU, the activations stay in its caches
_TAILS: Final = ("", "_2")


def feed_names(segments: int, features: int) -> tuple[str, ...]:
    """The inputs of a graph for that many texts a row and features, in order.

    >>> feed_names(1, 3), feed_names(0, 3)
    (('input_ids', 'attention_mask', 'features'), ('features',))
    """
    texts = [f"{name}{tail}" for tail in _TAILS[:segments] for name in ("input_ids", "attention_mask")]
    return (*texts, *([FEATURES] if features else []))


def check_names(where: Path, *, inputs: Sequence[str], found: Sequence[str], outputs: Sequence[str]) -> None:
    """Make sure that a graph takes what is fed to it, and gives what is read.

    Raises:
        ModelError: it is the graph of another network.
    """
    if sorted(inputs) != sorted(found) or OUTPUTS not in outputs:
        raise ModelError(
            f"A graph must take {', '.join(inputs)} and give {OUTPUTS}. {where} takes {show(', '.join(found))} and "
            f"gives {show(', '.join(outputs))}. Export the bundle again."
        )


def feed(inputs: Inputs, rows: Array) -> Feed:
    """The arrays of one batch by the names of `feed_names`."""
    made: Feed = {}
    for tail, tokens in zip(_TAILS, inputs.segments):
        ids, real = padded(tokens, rows)
        made[f"input_ids{tail}"], made[f"attention_mask{tail}"] = ids, real.astype(np.int64)
    if inputs.dense.shape[1]:
        made[FEATURES] = np.ascontiguousarray(inputs.dense[rows], np.float32)
    return made


def outputs_in_batches(compute: Callable[[Feed], Array], inputs: Inputs, *, tokens: int = TOKENS) -> Array:
    """(n, K) float32: every row through `compute`, in batches sorted by length.

    Args:
        compute: one batch's arrays to its (B, K) outputs.
        inputs: n rows, at least one.
        tokens: padded tokens at a time, at most.
    """
    out: Array | None = None
    for rows in evaluation_batches(inputs.lengths, tokens=tokens):
        values = compute(feed(inputs, rows))
        if out is None:
            out = np.empty((len(inputs), values.shape[1]), np.float32)
        out[rows] = values
    assert out is not None, "an empty table never reaches the network"
    return out
