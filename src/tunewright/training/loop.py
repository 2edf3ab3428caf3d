"""The training loop: a plain function over batches; its whole state is one small record, so that it can be resumed."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tunewright.errors import TrainingError
from tunewright.events import Event, Observer
from tunewright.models.exhausted import give_back
from tunewright.models.inputs import Inputs
from tunewright.models.network import Network
from tunewright.models.trainable import layer_depths
from tunewright.records import Epoch
from tunewright.training.augment import draws
from tunewright.training.averaging import Averaging
from tunewright.training.batch_loss import batch_loss
from tunewright.training.batches import training_batches
from tunewright.training.canaries import release_canaries
from tunewright.training.contract import Terms, Work, agree
from tunewright.training.flat import FlatOptimizer, groups_of
from tunewright.training.labelled import Labelled
from tunewright.training.micro import Micro, clean_end
from tunewright.training.parallel.compute import Compute, Here
from tunewright.training.recipe import Recipe
from tunewright.training.schedule import schedule
from tunewright.training.state import LoopState, load_loop, save_loop
from tunewright.training.unfreezing import free_layers
from tunewright.training.watch import Watch

Array = np.ndarray[Any, np.dtype[Any]]
Loss = Callable[[Tensor, Tensor, float], Tensor]
CHECKPOINT_SECONDS = 60.0
TELL_SECONDS = 0.5
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
        watch: what is looked at after each epoch beside validation, or None.
        canaries: whether a few updates are tried and taken back before the first.
        terms: of the memory contract; None makes none, and batches are halved only where memory ends.
        compute: where the encoder computes: here, or spread over the ranks of the run.
    """

    loss: Loss
    judge: Callable[[Array], float]
    observe: Observer
    checkpoints: Path | None
    stop: Callable[[], int | None]
    device: torch.device
    watch: Watch | None = None
    canaries: bool = False
    terms: Terms | None = None
    compute: Compute = field(default_factory=Here)


def train(
    network: Network, training: Labelled, validation: Labelled, recipe: Recipe, *, start: Epoch, around: Surroundings
) -> LoopState:
    """Fine-tune a network in place and leave it at its best epoch, which may be `start`, before any update.

    Args:
        network: freed by `choose_trainable` and already in its precision.
        training: rows to learn from.
        validation: rows the metric and early stopping look at.
        recipe: how.
        start: the learning curve's first point: the probe, which the network's head holds; or the last epoch of a
            training that this one continues with fresh optimiser and schedule: its epochs count as made.
        around: loss, judge, observer, checkpoints.

    Raises:
        TrainingError: loss or gradient was not finite three updates in a row, a whole epoch ended in outputs that are
            not, a canary died, or there is no memory for a single row.
        Interrupted: a signal arrived; a checkpoint was written.
    """
    with clean_end(network):
        session = _Session(network, training, validation, recipe, around, made=start.epoch)
        state = session.resume()
        if state is None:
            session.release_canaries()
            state = LoopState(epoch=start.epoch, best=start.metric, history=[start])
            if start.epoch:
                state.best_epoch, state.best_tuned = start.epoch, start.metric
            session.agree(state)
        session.micro.settle(state)
        session.run(state)
        session.optimizer.unfreeze(session.optimizer.layers)
        session.optimizer.restore(session.best)
    return state


class _Session:
    def __init__(
        self,
        network: Network,
        training: Labelled,
        validation: Labelled,
        recipe: Recipe,
        around: Surroundings,
        *,
        made: int,
    ) -> None:
        self.network, self.training, self.validation = network, training, validation
        self.recipe, self.around = recipe, around
        by_layer = recipe.layer_decay < 1 or recipe.unfreeze != "none"
        depths = layer_depths(network) if by_layer else None
        groups = groups_of(network, head=network.head, head_learning_rate=recipe.head_learning_rate, depths=depths)
        self.optimizer = FlatOptimizer(
            groups,
            learning_rate=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            clip=recipe.clip,
            layer_decay=recipe.layer_decay,
            exchange=around.compute.start(network, groups, recipe),
        )
        self.optimizer.align()
        self.averaging = Averaging.of(recipe, self.optimizer)
        self.micro = Micro(
            network=network,
            optimizer=self.optimizer,
            observe=around.observe,
            device=around.device,
            checkpointing=recipe.gradient_checkpointing,
        )
        self.best = self.optimizer.snapshot()
        self.planned = len(self.batches(1, training.inputs)) * (recipe.epochs - made)
        torch.manual_seed(recipe.seed)
        self.saved_at = self.told_at = self.started = time.monotonic()

    def batches(self, epoch: int, inputs: Inputs) -> list[Array]:
        return training_batches(
            inputs.lengths,
            rows=self.recipe.batch_rows,
            tokens=self.recipe.batch_tokens,
            seed=(self.recipe.seed, epoch),
        )

    def resume(self) -> LoopState | None:
        if self.around.checkpoints is None:
            return None
        found = load_loop(self.around.checkpoints, self.optimizer, self.average())
        if found is None:
            return None
        state, self.best = found
        return state

    def average(self) -> dict[str, Tensor]:
        """The buffers of the running mean, if there is one."""
        return {} if self.averaging is None else self.averaging.average.state()

    def free(self, epoch: int) -> int:
        """How many layers train in an epoch."""
        layers = self.optimizer.layers
        if self.recipe.unfreeze == "none":
            return layers
        return free_layers(epoch, epochs=self.recipe.epochs, layers=layers)

    def release_canaries(self) -> None:
        if self.around.canaries:
            release_canaries(
                self.network,
                self.optimizer,
                self.training,
                loss=lambda outputs, targets: self.around.loss(outputs, targets, 0.0),
                device=self.around.device,
                compute=self.around.compute,
            )

    def agree(self, state: LoopState) -> None:
        if self.around.terms is None:
            return
        work = Work(
            training=self.training,
            batches=self.batches(1, self.training.inputs),
            validation=self.validation.inputs,
            loss=lambda outputs, targets: self.around.loss(outputs, targets, 0.0),
            best=self.best,
            checkpoints=self.around.checkpoints,
        )
        agree(self.micro, state, work, self.around.terms)

    def run(self, state: LoopState) -> None:
        before, patience = state.seconds, self.recipe.early_stopping
        last = self.recipe.epochs if self.recipe.stop_after is None else self.recipe.stop_after
        while state.epoch < last and (patience == 0 or state.stale < patience):
            self.epoch(state, before)
            self.close_epoch(state, before)

    def epoch(self, state: LoopState, before: float) -> None:
        self.network.train()
        augment, number = self.recipe.augment, state.epoch + 1
        self.optimizer.unfreeze(self.free(number))
        inputs = self.training.inputs
        if augment is not None:
            inputs = augment.inputs(self.training, draws(self.recipe.seed, number))
        for rows in self.batches(number, inputs)[state.position :]:
            loss = self.update(inputs, rows, state)
            self.count(state, loss, len(rows))
            now = time.monotonic()
            state.seconds = before + now - self.started
            if now - self.told_at > TELL_SECONDS:
                self.told_at = now
                self.tell(state)
            self.maybe_save(state, now)

    def update(self, inputs: Inputs, rows: Array, state: LoopState) -> float:
        augment, pairs = self.recipe.augment, None
        if augment is not None:
            pairs = augment.pairs(len(rows), draws(self.recipe.seed, state.epoch + 1, state.position + 1))
        loss = partial(
            batch_loss,
            self.network,
            self.training,
            rows,
            loss=lambda outputs, targets: self.around.loss(outputs, targets, self.recipe.label_smoothing),
            device=self.around.device,
            inputs=inputs,
            pairs=pairs,
            compute=self.around.compute,
        )
        value = self.micro.gradient(state, inputs, rows, lambda part: loss(part=part))
        if not math.isfinite(value):
            return value
        if not self.optimizer.step(schedule(state.step, self.planned)):
            return math.nan
        if self.averaging is not None:
            self.averaging.after_update(state)
        return value

    def count(self, state: LoopState, loss: float, rows: int) -> None:
        watch = self.around.watch
        state.jumps += watch is not None and watch.jumped(loss)
        if math.isfinite(loss):
            state.bad_steps = 0
            state.loss_sum += loss * rows
            state.rows_done += rows
        else:
            state.bad_steps += 1
        if state.bad_steps >= MOST_BAD_STEPS:
            raise _not_finite(
                f"Got NaN or infinity {MOST_BAD_STEPS} updates in a row, epoch {state.epoch + 1}, update {state.step}; "
                "none of them was applied"
            )
        state.step += 1
        state.position += 1

    def close_epoch(self, state: LoopState, before: float) -> None:
        if self.recipe.stop_after is not None:
            metric, loss = float(state.epoch + 1), 0.0  # nothing to judge by: the last epoch is the best
        else:
            outputs = self.predicted(state)
            metric, loss = self.around.judge(outputs), self.validation_loss(outputs)
        state.epoch += 1
        state.seconds = before + time.monotonic() - self.started
        state.history.append(
            Epoch(
                epoch=state.epoch,
                train_loss=state.loss_sum / max(state.rows_done, 1),
                validation_loss=loss,
                metric=metric,
                seconds=state.seconds,
                updates=state.position,
                jumps=state.jumps,
                **self.looked_at(state),
            )
        )
        state.position, state.loss_sum, state.rows_done, state.jumps = 0, 0.0, 0, 0
        # Patience is counted among tuned epochs: the first ones often lie below the probe before they pass it. While
        # layers are still to be freed nothing is known of what they will give.
        better = state.best_tuned is None or metric > state.best_tuned
        still_frozen = self.free(state.epoch) < self.optimizer.layers
        state.stale = 0 if better or still_frozen else state.stale + 1
        state.best_tuned = metric if better else state.best_tuned
        if metric > state.best or self.recipe.keep_last:
            self.keep(state, metric)
        if self.averaging is not None:
            self.judge_average(state, self.averaging)
        self.tell(state)
        if self.around.watch is not None:
            self.around.watch.hear(tuple(state.history))
        self.maybe_save(state, time.monotonic())

    def predicted(self, state: LoopState) -> Array:
        outputs = self.predict(self.validation.inputs, state)
        if not np.isfinite(outputs).all():
            raise _not_finite(f"Got NaN or infinity for validation rows after epoch {len(state.history)}")
        return outputs

    def keep(self, state: LoopState, metric: float, *, average: int = 0) -> None:
        """What the network holds is the best so far."""
        state.best, state.best_epoch, state.best_average = metric, state.epoch, average
        self.best = self.optimizer.snapshot(self.best)

    def judge_average(self, state: LoopState, averaging: Averaging) -> None:
        metric = averaging.close(
            state,
            score=lambda: self.around.judge(self.predicted(state)),
            keep=lambda metric: self.keep(state, metric, average=averaging.held(state)),
        )
        state.history[-1] = replace(state.history[-1], average_metric=metric)

    def looked_at(self, state: LoopState) -> dict[str, float | None]:
        watch = self.around.watch
        if watch is None:
            return {}
        return watch.look(self.predict(watch.inputs, state))

    def predict(self, inputs: Inputs, state: LoopState) -> Array:
        around, tokens = self.around, state.evaluation_tokens
        give_back()  # the activations of updates are of other sizes than those of a forward pass
        return around.compute.predict(self.network, inputs, device=around.device, tokens=tokens, observe=around.observe)

    def validation_loss(self, outputs: Array) -> float:
        device = self.around.device
        targets = torch.from_numpy(self.validation.targets).to(device)
        return float(self.around.loss(torch.from_numpy(outputs).to(device), targets, 0.0).mean())

    def tell(self, state: LoopState) -> None:
        last = state.history[-1]
        running = state.loss_sum / state.rows_done if state.rows_done else last.train_loss
        self.around.observe(
            Event(
                station="train",
                what="progress",
                data={
                    "done": state.step,
                    "total": self.planned,
                    "epoch": state.epoch,
                    "train_loss": running,
                    "validation_loss": last.validation_loss,
                    "metric": last.metric,
                    "seconds_left": state.seconds / max(state.step, 1) * max(self.planned - state.step, 0),
                },
            )
        )

    def maybe_save(self, state: LoopState, now: float) -> None:
        signal = self.around.stop() or self.around.compute.signal
        if self.around.checkpoints is not None and (signal or now - self.saved_at > CHECKPOINT_SECONDS):
            save_loop(self.around.checkpoints, state, self.optimizer, self.best, self.average())
            self.saved_at = time.monotonic()
        if signal:
            raise Interrupted(signal)


def _not_finite(what: str) -> TrainingError:
    return TrainingError(
        f"Losses and gradients must be finite. {what}. "
        "Lower training.learning_rate or look for extreme values in the number columns."
    )
