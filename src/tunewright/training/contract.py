"""The memory contract: what a run may take, what it is going to take, how much is computed at a time so that it fits.

Forecast first. Where that is far below what is free, nothing is measured. Elsewhere one probe: an update on as much of
the costliest batch as surely fits, a forward pass over the longest rows, and a checkpoint, whose peaks put the forecast
right; the largest micro-batch follows from it. What cannot be foreseen (other programs) is left to `Micro`, which
halves when memory ends; the contract is for limits that kill instead of refusing, as a container's do.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tunewright.errors import TrainingError
from tunewright.events import Event
from tunewright.models.checkpointing import blocks_of, set_checkpointing
from tunewright.models.exhausted import give_back
from tunewright.models.footprint import Shape
from tunewright.models.inputs import ROWS, Inputs, evaluation_batches
from tunewright.models.outputs import predict_outputs, tokens_at_once
from tunewright.models.peak import Peak, held_now
from tunewright.models.room import Room, find_room, room_words
from tunewright.training.batch_loss import batch_loss
from tunewright.training.labelled import Labelled
from tunewright.training.micro import Micro, cut_parts, no_room, row_lengths
from tunewright.training.state import LoopState, save_loop

Array = np.ndarray[Any, np.dtype[Any]]
Decision = dict[str, Any]
AMPLE = 2.0  # the forecast may be so many times too low before anybody has to measure
LEAST = 0.7  # of the forecast: what is measured below that found memory that something else had left behind
SURE = 1.5  # the forecast of the probe's own batch may be so many times too low


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the contract is told from outside.

    Args:
        shape: of the backbone that trains.
        budget_gb: the plan's limit, or None for what there is.
        decide: makes the decision, or repeats the one that an interrupted run has journalled.
    """

    shape: Shape
    budget_gb: float | None
    decide: Callable[[Callable[[], Decision]], Decision]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Work:
    """What the run is going to do, as far as memory goes.

    Args:
        training: all train rows.
        batches: of the first epoch.
        validation: rows that are looked at after each epoch.
        loss: outputs (B, K) and targets to (B,) losses.
        best: the weights to come back to after the probe.
        checkpoints: where they are written, or None.
    """

    training: Labelled
    batches: Sequence[Array]
    validation: Inputs
    loss: Callable[[Any, Any], Any]
    best: list[torch.Tensor]
    checkpoints: Path | None

    def costliest(self, shape: Shape, *, checkpointing: bool) -> Array:
        """The batch that takes most."""
        return max(self.batches, key=lambda rows: _activations(shape, self.training.inputs, rows, checkpointing))


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Bytes beside what is held already.

    Args:
        fixed: gradients and moments of what trains.
        update: activations of the costliest batch.
        evaluation: the widest moment of a forward pass over the longest rows.
        save: copies that writing a checkpoint makes.
    """

    fixed: float
    update: float
    evaluation: float
    save: float

    @property
    def most(self) -> float:
        """At the peak."""
        return self.fixed + max(self.update, self.evaluation, self.save)


def agree(micro: Micro, state: LoopState, work: Work, terms: Terms) -> None:
    """Settle how much is computed at a time; call it before the first update of a fresh run.

    Args:
        micro: network, optimiser, device.
        state: told what was settled, so that checkpoints hold it.
        work: what is going to be done.
        terms: what may be taken.

    Raises:
        TrainingError: not even one row, or a checkpoint, fits.
    """
    decided = terms.decide(partial(_settle, micro, work, terms))
    state.micro_tokens = decided["micro_tokens"]
    state.evaluation_tokens = decided["evaluation_tokens"]
    state.checkpointing = decided["checkpointing"]
    if decided["note"]:
        micro.observe(Event(station="train", what="note", text=decided["note"], data={"memory": decided}))


def foresee(micro: Micro, work: Work, shape: Shape, *, checkpointing: bool) -> Need:
    """The forecast, by arithmetic."""
    trained = sum(flat.grad.numel() for flat in micro.optimizer.flat)
    rows = work.costliest(shape, checkpointing=checkpointing)
    longest = int(work.validation.lengths.max()) if len(work.validation) else 1
    return Need(
        fixed=trained * (shape.bytes + 8.0),
        update=_activations(shape, work.training.inputs, rows, checkpointing),
        evaluation=shape.evaluation(max(min(tokens_at_once(micro.device), ROWS * longest), longest), longest),
        save=trained * (12.0 + shape.bytes) if work.checkpoints is not None else 0.0,
    )


def _settle(micro: Micro, work: Work, terms: Terms) -> Decision:
    give_back()
    room = find_room(micro.device, budget_gb=terms.budget_gb)
    if room.free <= 0:
        raise TrainingError(
            f"A run must have memory to train in. {room.text()}. "
            f"Set budget.memory_gb to more than {room.held / 1e9:.2f}, or close other programs."
        )
    on = micro.checkpointing is True and bool(blocks_of(micro.network))
    need = foresee(micro, work, terms.shape, checkpointing=on)
    decision = {
        "micro_tokens": None,
        "evaluation_tokens": None,
        "checkpointing": on,
        "note": "",
        "free": round(room.free),
        "forecast": round(need.most),
        "measured": None,
    }
    if need.most * AMPLE <= room.free:
        return decision
    return decision | _probed(micro, work, terms.shape, room, on=on)


def _probed(micro: Micro, work: Work, shape: Shape, room: Room, *, on: bool) -> Decision:
    """What a probe says; without room for one row, what a second one says with gradient checkpointing."""
    need = foresee(micro, work, shape, checkpointing=on)
    found, ratio = _probe(micro, work, shape, room, need, on=on)
    lengths, rows = work.training.inputs.lengths, work.costliest(shape, checkpointing=on)
    longest = int(lengths.max())
    left = room.free - found.fixed
    one = ratio * _cost(shape, 1, longest, on)
    told: Decision = {"measured": round(found.most), "checkpointing": on}
    if one > left or found.fixed + found.save > room.free:
        if one > left and not on and micro.checkpointing == "auto" and blocks_of(micro.network):
            return _probed(micro, work, shape, room, on=True)
        what = f"One row of {longest} tokens" if one > left else "A checkpoint"
        size = found.fixed + (one if one > left else found.save)
        text = f"{what} needs {room_words(size)}; {room.text()}"
        raise no_room(text, micro.network, checkpointed=on, of_a_row=one > left)
    usual = tokens_at_once(micro.device)
    evaluated = max(int(work.validation.lengths.max(initial=1)), int(usual * min(left / found.evaluation, 1.0)))
    told["evaluation_tokens"] = evaluated if evaluated < usual else None
    if found.update <= left:
        return told | {"note": _note(room, found, None, on=on, rows=len(rows))}
    tokens = max(int(left / one) * longest, longest)
    return told | {"micro_tokens": tokens, "note": _note(room, found, tokens, on=on, rows=len(rows))}


def _note(room: Room, found: Need, tokens: int | None, *, on: bool, rows: int) -> str:
    said = f"Memory: an update takes {room_words(found.fixed + found.update)}, measured; {room.text()}."
    if tokens is not None:
        said += f" At most {tokens:,} tokens are computed at a time and gradients are added up;"
        said += f" the effective batch stays at up to {rows} rows."
    return said + (" Gradient checkpointing is on." if on else "")


def _probe(micro: Micro, work: Work, shape: Shape, room: Room, need: Need, *, on: bool) -> tuple[Need, float]:
    """The forecast put right by what an update, a forward pass and a checkpoint took; and an update's ratio."""
    rows, inputs = work.costliest(shape, checkpointing=on), work.training.inputs
    lengths = row_lengths(inputs, rows)
    fits = [n for n in range(1, len(rows) + 1) if need.fixed + SURE * _cost(shape, n, lengths.max(), on) <= room.free]
    part = rows[np.argsort(lengths, kind="stable")[len(rows) - max(fits, default=1) :]]
    state, optimizer, network = LoopState(checkpointing=on), micro.optimizer, micro.network
    start = held_now(micro.device)
    devices = [micro.device] if micro.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        set_checkpointing(network.encoder, on)
        network.train()
        try:
            with Peak(micro.device) as updating:
                micro.gradient(state, inputs, part, partial(_loss, micro, work, part))
            optimizer.step(1.0)
            held = held_now(micro.device) - start
            with Peak(micro.device) as evaluating:
                _evaluate(micro, work)
            with Peak(micro.device) as saving:
                _save(micro, work, state)
        finally:
            optimizer.rewind(work.best)
            set_checkpointing(network.encoder, False)
    at_once = max(map(len, cut_parts(lengths[lengths.argsort()][-len(part) :], state.micro_tokens or 1 << 60)))
    grads = sum(flat.grad.numel() for flat in optimizer.flat) * shape.bytes
    ratio = max((updating.taken - grads) / _cost(shape, at_once, lengths.max(), on), LEAST)
    if state.checkpointing != on:
        ratio = math.inf  # one row alone had no room without
    found = replace(
        need,
        fixed=max(held, need.fixed),
        update=need.update * ratio,
        evaluation=max(evaluating.taken, LEAST * need.evaluation),
        save=max(saving.taken, LEAST * need.save),
    )
    return found, ratio


def _loss(micro: Micro, work: Work, rows: Array, part: Array | None) -> torch.Tensor:
    return batch_loss(micro.network, work.training, rows, loss=work.loss, device=micro.device, part=part)


def _evaluate(micro: Micro, work: Work) -> None:
    if len(work.validation):
        longest = evaluation_batches(work.validation.lengths, tokens=tokens_at_once(micro.device))[0]
        predict_outputs(micro.network, work.validation.take(longest), device=micro.device)


def _save(micro: Micro, work: Work, state: LoopState) -> None:
    """A checkpoint like those of the run, under a name that no resume looks at, taken away again."""
    if work.checkpoints is not None:
        folder = work.checkpoints / "probe"
        save_loop(folder, state, micro.optimizer, work.best)
        shutil.rmtree(folder, ignore_errors=True)


def _activations(shape: Shape, inputs: Inputs, rows: Array, checkpointing: bool) -> float:
    return _cost(shape, len(rows), int(row_lengths(inputs, rows).max()), checkpointing)


def _cost(shape: Shape, rows: int, longest: int, checkpointing: bool) -> float:
    return shape.checkpointed(rows, int(longest)) if checkpointing else shape.training(rows, int(longest))
