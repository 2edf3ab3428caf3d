"""A running mean of the weights: a candidate that validation rows judge as they judge an epoch's own weights.

What is averaged never changes what is trained: the weights move exactly as they would without it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from tunewright.training.flat import CHUNK, FlatOptimizer
from tunewright.training.recipe import Recipe
from tunewright.training.state import LoopState


class Average:
    """A mean of all weights that train, in float32: 4 bytes for each, beside the 16 of the optimiser.

    Args:
        optimizer: whose master weights are averaged; they are whole in this process.
    """

    def __init__(self, optimizer: FlatOptimizer) -> None:
        self.optimizer = optimizer
        self.buffers = [torch.zeros_like(flat.master) for flat in optimizer.flat]

    @torch.no_grad()
    def take(self, share: float) -> None:
        """Move by `share` of the way to the weights as they are now; 1 makes it a copy of them."""
        for buffer, flat in zip(self.buffers, self.optimizer.flat, strict=True):
            buffer.lerp_(flat.master, share)

    @contextmanager
    def in_network(self) -> Iterator[None]:
        """Put the average in the weights' place for a while; afterwards both are, bit for bit, what they were."""
        self._exchange()
        self.optimizer.show()
        try:
            yield
        finally:
            self._exchange(back=True)
            self.optimizer.show()

    def state(self) -> dict[str, Tensor]:
        """The very buffers, by name."""
        return {f"average.{i}": buffer for i, buffer in enumerate(self.buffers)}

    @torch.no_grad()
    def _exchange(self, *, back: bool = False) -> None:
        for buffer, flat in zip(self.buffers, self.optimizer.flat, strict=True):
            if flat.mixed:
                flat.work.copy_(flat.master if back else buffer)
                continue
            # Without a master copy the two change places, a stretch at a time.
            for start in range(0, len(buffer), CHUNK):
                part = slice(start, start + CHUNK)
                aside = flat.work[part].clone()
                flat.work[part].copy_(buffer[part])
                buffer[part].copy_(aside)


class Averaging:
    """When the mean takes the weights in, and when it is judged.

    `ema`: after every update, with bias towards the start removed: the first 1 / (1 − decay) updates count alike, then
    each update leaves `decay` of what was (Polyak and Juditsky 1992; Kingma and Ba 2015 for the bias).
    `epochs`: at the end of every epoch, uniformly (Izmailov et al. 2018). Where an epoch's own weights beat the mean
    that holds them, the mean starts anew from them: what came before would only hold it back.

    How much the mean holds stands in `LoopState.averaged`: updates or epochs.

    Args:
        recipe: kind, decay, and what is settled.
        optimizer: whose weights are averaged.
    """

    def __init__(self, recipe: Recipe, optimizer: FlatOptimizer) -> None:
        self.recipe = recipe
        self.average = Average(optimizer)

    @classmethod
    def of(cls, recipe: Recipe, optimizer: FlatOptimizer) -> Averaging | None:
        """What the recipe asks for, or None: also where it is settled that no average is kept."""
        settled_without = recipe.stop_after is not None and not recipe.stop_average
        return None if recipe.averaging == "none" or settled_without else cls(recipe, optimizer)

    def after_update(self, state: LoopState) -> None:
        """Take in the weights that an update has just moved."""
        if self.recipe.averaging == "ema":
            self._take(state, least=1 - self.recipe.ema_decay)

    def close(self, state: LoopState, *, score: Callable[[], float], keep: Callable[[float], None]) -> float | None:
        """An epoch has ended, and its own weights were judged: judge the average, too.

        Args:
            state: with the epoch in its history.
            score: the metric of what the network holds, higher is better.
            keep: keeps what the network holds, of this metric, as the best so far.

        Returns:
            The average's metric, or None where there is no average yet, or nothing to judge it by.
        """
        if self.recipe.averaging == "epochs":
            if state.epoch == self._settled_start():
                state.averaged = 0
            self._take(state, least=0.0)
        if not state.averaged:
            return None  # no update has been applied
        if self.recipe.stop_after is not None:
            if state.epoch == self.recipe.stop_after:
                with self.average.in_network():
                    keep(state.best)
            return None
        if self.recipe.averaging == "epochs" and state.averaged < 2:
            return None  # the mean of one epoch is that epoch
        own = state.history[-1].metric
        with self.average.in_network():
            metric = score()
            if metric > state.best:
                keep(metric)
        if self.recipe.averaging == "epochs" and own > metric:
            state.averaged = 0
            self._take(state, least=0.0)
        return metric

    def held(self, state: LoopState) -> int:
        """What the mean holds now, as a settled recipe is told it: epochs, or 1 for a moving average."""
        return state.averaged if self.recipe.averaging == "epochs" else 1

    def _settled_start(self) -> int | None:
        """The first epoch that a settled mean holds."""
        stop = self.recipe.stop_after
        return None if stop is None else stop - min(self.recipe.stop_average, stop) + 1

    def _take(self, state: LoopState, *, least: float) -> None:
        state.averaged += 1
        self.average.take(max(least, 1 / state.averaged))
