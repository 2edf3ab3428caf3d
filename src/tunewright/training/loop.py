"""The training loop: a plain function over batches, with its whole state in one small class so that it can be resumed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tunewright.errors import TrainingError
from tunewright.events import Event, Observer
from tunewright.models.network import Network
from tunewright.records import Epoch, from_json, to_json
from tunewright.runfolder.state import load_state, save_state
from tunewright.training.flat import FlatOptimizer, groups_of
from tunewright.training.batches import training_batches
from tunewright.models.outputs import predict_outputs
from tunewright.training.recipe import Labelled, Recipe
from tunewright.training.schedule import schedule

Array = np.ndarray[Any, np.dtype[Any]]
Loss = Callable[[Tensor, Tensor, float], Tensor]
CHECKPOINT_SECONDS = 60.0
MOST_BAD_STEPS = 3


class Interrupted(BaseException):
    """A signal asked the run to stop; the checkpoint is written. `signal` is its number."""

    def __init__(self, signal: int) -> None:
        super().__init__(signal)
        self.signal = signal


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the loop needs beside data and recipe.

    Args:
        loss: (outputs, targets, smoothing) to (B,) losses.
        judge: validation outputs (n, K) to the objective metric, higher is better.
        observe: hears progress.
        checkpoints: folder for them, or None.
        stop: returns a signal number once one has arrived.
        device: where the network lives.
    """

    loss: Loss
    judge: Callable[[Array], float]
    observe: Observer
    checkpoints: Path | None
    stop: Callable[[], int | None]
    device: torch.device


@dataclass(slots=True)
class LoopState:
    """Where training stands; everything a resume needs beside weights and moments."""

    step: int = 0
    epoch: int = 0
    position: int = 0
    loss_sum: float = 0.0
    rows_done: int = 0
    seconds: float = 0.0
    bad_steps: int = 0
    best: float = 0.0
    best_epoch: int = 0
    best_tuned: float | None = None
    stale: int = 0
    history: list[Epoch] = field(default_factory=list)


def train(
    network: Network, training: Labelled, validation: Labelled, recipe: Recipe, *, start: Epoch, around: Surroundings
) -> LoopState:
    """Fine-tune a network in place and leave it at its best epoch, which may be `start`, before any update.

    Args:
        network: freed by `choose_trainable` and already in its precision.
        training: rows to learn from.
        validation: rows the metric and early stopping look at.
        recipe: how.
        start: the learning curve's first point: the probe, which the network's head holds.
        around: loss, judge, observer, checkpoints.

    Raises:
        TrainingError: loss or gradient was not finite three updates in a row.
        Interrupted: a signal arrived; a checkpoint was written.
    """
    session = _Session(network, training, validation, recipe, around)
    state = session.resume() or LoopState(best=start.metric, history=[start])
    session.run(state)
    session.optimizer.load_weights(session.best)
    return state


class _Session:
    def __init__(
        self, network: Network, training: Labelled, validation: Labelled, recipe: Recipe, around: Surroundings
    ) -> None:
        self.network, self.training, self.validation = network, training, validation
        self.recipe, self.around = recipe, around
        self.optimizer = FlatOptimizer(
            groups_of(network, head=network.head, head_learning_rate=recipe.head_learning_rate),
            learning_rate=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            clip=recipe.clip,
        )
        self.best = self.optimizer.weights()
        self.lengths = training.inputs.lengths
        self.per_epoch = len(self.batches(1))
        torch.manual_seed(recipe.seed)
        self.saved_at = self.started = time.monotonic()

    def batches(self, epoch: int) -> list[Array]:
        return training_batches(
            self.lengths,
            rows=self.recipe.batch_rows,
            tokens=self.recipe.batch_tokens,
            seed=(self.recipe.seed, epoch),
        )

    def run(self, state: LoopState) -> None:
        before = state.seconds
        while state.epoch < self.recipe.epochs and state.stale < max(self.recipe.early_stopping, 1):
            self.epoch(state, before)
            self.close_epoch(state, before)

    def epoch(self, state: LoopState, before: float) -> None:
        self.network.train()
        batches = self.batches(state.epoch + 1)
        total = self.per_epoch * self.recipe.epochs
        told = time.monotonic()
        for rows in batches[state.position :]:
            loss = self.update(rows, schedule(state.step, total))
            state.bad_steps = 0 if math.isfinite(loss) else state.bad_steps + 1
            if state.bad_steps >= MOST_BAD_STEPS:
                raise TrainingError(
                    f"Losses and gradients must be finite. Got NaN or infinity {MOST_BAD_STEPS} updates in a row, epoch {state.epoch + 1}, "
                    f"update {state.step}; none of them was applied. Lower training.learning_rate or look for extreme values in the number columns."
                )
            if math.isfinite(loss):
                state.loss_sum += loss * len(rows)
                state.rows_done += len(rows)
            state.step += 1
            state.position += 1
            now = time.monotonic()
            state.seconds = before + now - self.started
            if now - told > 0.5:
                told = now
                self.tell(state, total)
            self.maybe_save(state, now)

    def update(self, rows: Array, share: float) -> float:
        segments, dense = self.training.inputs.tensors(rows, self.around.device)
        targets = torch.from_numpy(self.training.targets[rows]).to(self.around.device)
        losses = self.around.loss(self.network(segments, dense), targets, self.recipe.label_smoothing)
        if self.training.weights is None:
            loss = losses.mean()
        else:
            weights = torch.from_numpy(self.training.weights[rows]).to(losses)
            loss = (losses * weights).sum() / weights.sum().clamp_min(1e-6)
        value = float(loss.detach())
        if not math.isfinite(value):
            return value
        loss.backward()  # type: ignore[no-untyped-call]
        return value if self.optimizer.step(share) else math.nan

    def close_epoch(self, state: LoopState, before: float) -> None:
        outputs = predict_outputs(self.network, self.validation.inputs, device=self.around.device)
        metric = self.around.judge(outputs)
        targets = torch.from_numpy(self.validation.targets)
        losses = self.around.loss(torch.from_numpy(outputs).to(self.around.device), targets.to(self.around.device), 0.0)
        state.epoch += 1
        state.seconds = before + time.monotonic() - self.started
        state.history.append(
            Epoch(
                epoch=state.epoch,
                train_loss=state.loss_sum / max(state.rows_done, 1),
                validation_loss=float(losses.mean()),
                metric=metric,
                seconds=state.seconds,
            )
        )
        state.position, state.loss_sum, state.rows_done = 0, 0.0, 0
        # Patience is counted among tuned epochs: the first ones often lie below the probe before they pass it.
        better = state.best_tuned is None or metric > state.best_tuned
        state.stale = 0 if better else state.stale + 1
        state.best_tuned = metric if better else state.best_tuned
        if metric > state.best:
            state.best, state.best_epoch = metric, state.epoch
            self.best = self.optimizer.weights()
        self.tell(state, self.per_epoch * self.recipe.epochs)
        self.maybe_save(state, time.monotonic())

    def tell(self, state: LoopState, total: int) -> None:
        last = state.history[-1]
        running = state.loss_sum / state.rows_done if state.rows_done else last.train_loss
        self.around.observe(
            Event(
                station="train",
                what="progress",
                data={
                    "done": state.step,
                    "total": total,
                    "epoch": state.epoch,
                    "train_loss": running,
                    "validation_loss": last.validation_loss,
                    "metric": last.metric,
                    "seconds_left": state.seconds / max(state.step, 1) * (total - state.step),
                },
            )
        )

    def maybe_save(self, state: LoopState, now: float) -> None:
        signal = self.around.stop()
        if self.around.checkpoints is not None and (signal or now - self.saved_at > CHECKPOINT_SECONDS):
            self.save(state)
            self.saved_at = time.monotonic()
        if signal:
            raise Interrupted(signal)

    def save(self, state: LoopState) -> None:
        assert self.around.checkpoints is not None
        arrays = self.optimizer.weights() | self.optimizer.moments()
        arrays |= {f"best.{name}": value for name, value in self.best.items()}
        save_state(
            self.around.checkpoints,
            step=state.step,
            arrays={name: value.detach().cpu().numpy() for name, value in arrays.items()} | _random_state(),
            meta={"loop": {name: to_json(getattr(state, name)) for name in LoopState.__dataclass_fields__}},
        )

    def resume(self) -> LoopState | None:
        found = load_state(self.around.checkpoints) if self.around.checkpoints is not None else None
        if found is None:
            return None
        tensors = {name: torch.from_numpy(array.copy()) for name, array in found.arrays.items()}
        _set_random_state(tensors)
        on_device = {name: value.to(self.around.device) for name, value in tensors.items() if "random" not in name}
        self.best = {name.removeprefix("best."): value for name, value in on_device.items() if name.startswith("best.")}
        self.optimizer.load_weights(on_device)
        self.optimizer.load_moments(on_device)
        loop = found.meta["loop"] | {"history": [from_json(Epoch, line) for line in found.meta["loop"]["history"]]}
        return LoopState(**loop)


def _random_state() -> dict[str, Array]:
    state = {"random.cpu": torch.get_rng_state().numpy()}
    if torch.cuda.is_available():
        state["random.cuda"] = torch.cuda.get_rng_state().numpy()
    return state


def _set_random_state(tensors: dict[str, Tensor]) -> None:
    torch.set_rng_state(tensors["random.cpu"])
    if "random.cuda" in tensors and torch.cuda.is_available():
        torch.cuda.set_rng_state(tensors["random.cuda"])
