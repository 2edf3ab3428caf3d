"""The gradient of a batch in as many parts as there is room for: the effective batch stays, the micro-batch shrinks.

Where memory ends, the gradients so far are dropped, the micro-batch is halved and the same batch is computed again, so
that a run with a halving and one without make the same updates (up to the rounding of sums, and to the masks of dropout
inside the backbone, which is off by default).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tunewright.errors import TrainingError
from tunewright.events import Event, Observer
from tunewright.models.checkpointing import blocks_of, set_checkpointing
from tunewright.models.exhausted import give_back, is_exhausted
from tunewright.models.inputs import Inputs
from tunewright.models.network import Network
from tunewright.models.row_dropout import BatchMasks, generator_of, share_masks
from tunewright.training.flat import FlatOptimizer
from tunewright.training.options import Checkpointing
from tunewright.training.state import LoopState

Array = np.ndarray[Any, np.dtype[Any]]
Loss = Callable[[Array | None], Tensor]


@dataclass(frozen=True, slots=True)
class _Part:
    """Rows that were computed together: how many, and tokens of the longest."""

    rows: int
    longest: int


@dataclass(slots=True, kw_only=True, eq=False)
class Micro:
    """Computes gradients within what memory allows; what it finds out stands in the loop's state and its checkpoints.

    Args:
        network: freed by `choose_trainable`.
        optimizer: whose gradient buffers are filled.
        observe: hears of every halving.
        device: where the network lives.
        checkpointing: whether gradient checkpointing is on, off, or switched on where one row has no room without it.
    """

    network: Network
    optimizer: FlatOptimizer
    observe: Observer
    device: torch.device
    checkpointing: Checkpointing = "auto"

    def settle(self, state: LoopState) -> None:
        """Switch gradient checkpointing as the plan, or the checkpoint that the run continues from, says."""
        wanted = state.checkpointing or self.checkpointing is True
        state.checkpointing = set_checkpointing(self.network.encoder, wanted)

    def gradient(self, state: LoopState, inputs: Inputs, rows: Array, loss: Loss) -> float:
        """Add the gradient of a batch's mean loss to the buffers, which hold zeros.

        Args:
            state: says how many tokens fit, and is told where fewer do.
            inputs: of all rows in this epoch.
            rows: (B,) of the batch.
            loss: None to the batch's mean loss; (b,) places in the batch to what these rows add to it.

        Returns:
            The batch's mean loss; where it is not finite, the buffers hold zeros.

        Raises:
            TrainingError: not even one row has room.
        """
        generator = generator_of(self.device)
        before = generator.get_state()
        while True:
            found = self._attempt(state, inputs, rows, loss)
            if isinstance(found, float):
                return found
            # Here, not where the error was caught: there it still holds every tensor of the attempt.
            self.optimizer.drop_gradients()
            give_back(cycles=True)
            generator.set_state(before)
            self._shrink(state, found)

    def _attempt(self, state: LoopState, inputs: Inputs, rows: Array, loss: Loss) -> float | _Part:
        """The batch's mean loss, or the part that had no room."""
        part: Array | None = None
        try:
            if state.micro_tokens is None:
                return self._add(loss, None)
            lengths = row_lengths(inputs, rows)
            parts = cut_parts(lengths, state.micro_tokens)
            if len(parts) == 1:
                return self._add(loss, None)
            masks = BatchMasks(len(rows), self.device)
            share_masks(self.network.head, masks)
            total = 0.0
            for part in parts:
                masks.begin(part)
                total += self._add(loss, part)
                if not math.isfinite(total):
                    self.optimizer.drop_gradients()
                    break
            masks.close()
            return total
        except (RuntimeError, MemoryError) as error:
            if not is_exhausted(error):
                raise
            at = rows if part is None else rows[part]
            return _Part(len(at), int(row_lengths(inputs, at).max()))
        finally:
            share_masks(self.network.head, None)

    def _add(self, loss: Loss, part: Array | None) -> float:
        found = loss(part)
        value = float(found.detach())
        if math.isfinite(value):
            found.backward()  # type: ignore[no-untyped-call]
        return value

    def _shrink(self, state: LoopState, failed: _Part) -> None:
        """Halve the micro-batch; a single row is halved by gradient checkpointing, if that is to be had."""
        if failed.rows > 1:
            state.micro_tokens = (failed.rows + 1) // 2 * failed.longest
            self._tell(
                state,
                f"Out of memory on {failed.rows} rows of up to {failed.longest} tokens. From here on at most "
                f"{state.micro_tokens:,} tokens are computed at a time and gradients are added up; "
                "the effective batch stays as it is, and the update is repeated.",
            )
            return
        if self.checkpointing == "auto" and not state.checkpointing:
            state.checkpointing = set_checkpointing(self.network.encoder, True)
            if state.checkpointing:
                self._tell(
                    state,
                    f"Out of memory on one row of {failed.longest} tokens. Gradient checkpointing is on from here: "
                    "the same results with less memory, in more time.",
                )
                return
        raise no_room(f"One row of {failed.longest} tokens had none", self.network, checkpointed=state.checkpointing)

    def _tell(self, state: LoopState, text: str) -> None:
        data = {"micro_tokens": state.micro_tokens, "checkpointing": state.checkpointing, "update": state.step}
        self.observe(Event(station="train", what="note", text=text, data=data))


def row_lengths(inputs: Inputs, rows: Array) -> Array:
    """(B,) tokens that rows cost, as `Inputs.lengths`, without looking at the others."""
    found = np.zeros(len(rows), np.int64)
    for tokens in inputs.segments:
        found += tokens.offsets[rows + 1] - tokens.offsets[rows]
    return np.maximum(found, 1)


def cut_parts(lengths: Array, tokens: int) -> list[Array]:
    """Cut a batch into as few parts of about equal size as have at most `tokens` padded tokens each, or one row.

    Args:
        lengths: (B,) tokens of the rows, in their order, which stays.
        tokens: per part, padding included.

    Returns:
        Places in the batch, part by part.

    >>> [part.tolist() for part in cut_parts(np.array([3, 3, 4, 4, 9]), 10)]
    [[0, 1], [2, 3], [4]]
    """
    places = np.arange(len(lengths))
    fewest = max(math.ceil(int(lengths.sum()) / max(tokens, 1)), 1)
    for count in range(min(fewest, len(lengths)), len(lengths) + 1):
        parts = np.array_split(places, count)
        if all(len(part) == 1 or len(part) * int(lengths[part].max()) <= tokens for part in parts):
            return parts
    return []


def no_room(what: str, network: Network, *, checkpointed: bool = False, of_a_row: bool = True) -> TrainingError:
    """The error where nothing fits: what must hold, what we got, what to do, the cheapest first.

    Args:
        what: what had no room.
        network: what trains.
        checkpointed: whether gradient checkpointing is on already.
        of_a_row: whether it is what one row takes; buffers and checkpoints shrink only with what trains.
    """
    lora = network.encoder is not None and hasattr(network.encoder.model, "merge_and_unload")
    ways = []
    if of_a_row and not checkpointed and network.encoder is not None and blocks_of(network.encoder):
        ways.append("training.gradient_checkpointing: true")
    if network.encoder is not None and not lora:
        ways.append("model.train: lora")
    if of_a_row:
        ways.append("a shorter model.max_length")
    steps = "; then ".join([*ways, "a larger budget.memory_gb or machine"])
    return TrainingError(
        f"Training must fit into memory, one row at a time if need be. {what}. Try {steps}. "
        "The last checkpoint is intact."
    )


@contextmanager
def clean_end(network: Network) -> Iterator[None]:
    """Turn what no smaller batch can help (buffers, a checkpoint) into the error that says what to do.

    Raises:
        TrainingError: something inside had no room.
    """
    try:
        yield
    except (RuntimeError, MemoryError) as error:
        if not is_exhausted(error):
            raise
        raise no_room("Weights, moments or a checkpoint had none", network, of_a_row=False) from error
    finally:
        set_checkpointing(network.encoder, False)
