"""Where training stands, and its way into and out of a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tunewright.records import Epoch, from_json, to_json
from tunewright.runfolder.state import load_state, save_state
from tunewright.training.flat import FlatOptimizer

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(slots=True)
class LoopState:
    """Where training stands; everything a resume needs beside weights, moments and generators.

    Args:
        step: updates made, over all epochs.
        epoch: epochs closed.
        position: batches of the open epoch done.
        loss_sum: sum of the rows' losses in the open epoch.
        rows_done: rows behind it.
        seconds: spent, over all sittings.
        bad_steps: updates in a row that were not finite.
        jumps: updates of the open epoch whose loss was far above that of a constant answer, or not finite.
        best: the best validation metric, the start included.
        best_epoch: whose it is; 0 is the start.
        best_tuned: the best metric of a closed epoch.
        stale: closed epochs since then, not counting those in which only some layers trained.
        averaged: epochs or updates in the running mean of the weights.
        best_average: epochs whose mean the best weights are, 1 for a moving average; 0: they are an epoch's own.
        history: the learning curve.
        micro_tokens: padded tokens that are computed at a time where a whole batch has no room; None: a batch has.
        evaluation_tokens: the same for a forward pass over validation rows; None: as many as usual.
        checkpointing: whether gradient checkpointing is on.
    """

    step: int = 0
    epoch: int = 0
    position: int = 0
    loss_sum: float = 0.0
    rows_done: int = 0
    seconds: float = 0.0
    bad_steps: int = 0
    jumps: int = 0
    best: float = 0.0
    best_epoch: int = 0
    best_tuned: float | None = None
    stale: int = 0
    averaged: int = 0
    best_average: int = 0
    history: list[Epoch] = field(default_factory=list)
    micro_tokens: int | None = None
    evaluation_tokens: int | None = None
    checkpointing: bool = False


def save_loop(
    folder: Path,
    state: LoopState,
    optimizer: FlatOptimizer,
    best: Sequence[Tensor],
    average: Mapping[str, Tensor] | None = None,
) -> None:
    """Write a checkpoint of everything a resume needs.

    Args:
        folder: where checkpoints are kept.
        state: of the loop.
        optimizer: weights and moments.
        best: the best weights so far.
        average: a running mean of the weights, by name.

    Raises:
        TrainingError: a number in it is not finite; nothing is written.
        RunError: the disk refused.
    """
    arrays = {name: value.cpu().numpy() for name, value in (optimizer.state() | dict(average or {})).items()}
    arrays |= {f"best.{i}": _bits(value) for i, value in enumerate(best)}
    save_state(
        folder,
        step=state.step,
        arrays=arrays | _random_state(),
        meta={"loop": {name: to_json(getattr(state, name)) for name in LoopState.__dataclass_fields__}},
    )


def load_loop(
    folder: Path, optimizer: FlatOptimizer, average: Mapping[str, Tensor] | None = None
) -> tuple[LoopState, list[Tensor]] | None:
    """Set optimiser, weights, a running mean of them and random generators from the newest intact checkpoint.

    Args:
        folder: where checkpoints are kept.
        optimizer: whose weights and moments are set.
        average: the buffers of the mean by name, as they were saved; they are overwritten.

    Returns:
        The loop's state and the best weights so far, or None where there is no checkpoint.
    """
    found = load_state(folder)
    if found is None:
        return None
    tensors = {name: torch.from_numpy(array) for name, array in found.arrays.items()}
    _set_random_state(tensors)
    optimizer.load_state(tensors)
    for name, buffer in (average or {}).items():
        buffer.copy_(tensors[name])
    best = optimizer.snapshot()
    for i, kept in enumerate(best):
        kept.copy_(tensors[f"best.{i}"].view(kept.dtype))
    loop = found.meta["loop"] | {"history": [from_json(Epoch, line) for line in found.meta["loop"]["history"]]}
    return LoopState(**loop), best


def _bits(weights: Tensor) -> Array:
    """Weights as numpy holds them: it has no bfloat16, whose bits go as integers."""
    weights = weights.cpu()
    return weights.numpy() if weights.dtype == torch.float32 else weights.view(torch.int16).numpy()


def _random_state() -> dict[str, Array]:
    state = {"random.cpu": torch.get_rng_state().numpy()}
    if torch.cuda.is_available():
        state["random.cuda"] = torch.cuda.get_rng_state().numpy()
    return state


def _set_random_state(tensors: dict[str, Tensor]) -> None:
    torch.set_rng_state(tensors["random.cpu"])
    if "random.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random.cuda"])
