"""What the optimiser asks of the other ranks, group of weights by group of weights.

`place` counts the optimiser's groups. The first `shared` of them are the encoder's, which every rank has; the rest are
the head's, which only the leader has. Each method is called by all ranks at the same point.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

import torch
from torch import Tensor

from tunewright.training.parallel.group import LEADER, Group


class Exchange(Protocol):
    """What `FlatOptimizer` asks for."""

    def part(self, place: int, size: int) -> slice:
        """The slice of a group's flat vector whose optimiser state this process keeps."""
        ...

    @contextmanager
    def together(self, what: str, **numbers: Any) -> Iterator[None]:
        """Have every rank do the same."""
        yield

    def add_up(self, place: int, gradient: Tensor) -> None:
        """Sum a group's gradient over ranks: all of it, or at least this process's slice."""
        ...

    def norm(self, own: Tensor) -> Tensor:
        """The norm over all groups and ranks, from that of this process's slices."""
        ...

    def publish(self, place: int, work: Tensor) -> None:
        """After an update of this process's slice, complete a group's weights with the slices of the others."""
        ...

    def align(self, place: int, work: Tensor) -> None:
        """Set a group's weights to the leader's."""
        ...

    def collect(self, place: int, own: Tensor, size: int) -> Tensor:
        """On the leader: the whole vector that the ranks' slices make up."""
        ...

    def hand_out(self, place: int, whole: Tensor | None, own: Tensor, size: int) -> None:
        """Set `own` to this process's slice of the leader's whole vector."""
        ...


class NoExchange:
    """One process: everything is its own."""

    def part(self, place: int, size: int) -> slice:
        """All of it."""
        return slice(0, size)

    @contextmanager
    def together(self, what: str, **numbers: Any) -> Iterator[None]:
        """There is nobody to tell."""
        yield

    def add_up(self, place: int, gradient: Tensor) -> None:
        """It is the sum."""

    def norm(self, own: Tensor) -> Tensor:
        """It is the norm."""
        return own

    def publish(self, place: int, work: Tensor) -> None:
        """Nobody else needs it."""

    def align(self, place: int, work: Tensor) -> None:
        """They are the leader's."""

    def collect(self, place: int, own: Tensor, size: int) -> Tensor:
        """It is whole: the very buffer."""
        return own

    def hand_out(self, place: int, whole: Tensor | None, own: Tensor, size: int) -> None:
        """Copy it."""
        assert whole is not None
        own.copy_(whole)


class RankExchange:
    """Several processes.

    Args:
        group: the ranks.
        shared: how many of the optimiser's groups every rank has.
        sharded: whether each rank keeps the optimiser state of its slice only.
        stop: returns a signal number once one has arrived in this process.
    """

    def __init__(self, group: Group, *, shared: int, sharded: bool, stop: Callable[[], int | None]) -> None:
        self.group, self.shared, self.sharded, self.stop = group, shared, sharded, stop
        self.signal: int | None = None

    def part(self, place: int, size: int) -> slice:
        """About one part in `world` of a shared group, where the state is sharded."""
        return self._slice(size, self.group.rank) if self._is_sliced(place) else slice(0, size)

    @contextmanager
    def together(self, what: str, **numbers: Any) -> Iterator[None]:
        """Tell the followers what to do; they are doing it already when they come here."""
        if self.group.leads:
            self.group.busy = True
            self.group.tell({"op": what, **numbers})
        yield
        self.group.busy = False

    def add_up(self, place: int, gradient: Tensor) -> None:
        """Sum over ranks."""
        if place < self.shared:
            self.group.add_up(gradient)

    def norm(self, own: Tensor) -> Tensor:
        """From one exact sum that all ranks have alike; signals travel along."""
        counts = self.sharded or self.group.leads  # replicated: every rank has the same sum, which counts once
        found = self.group.numbers([float(own) ** 2 if counts else 0.0, float(self.stop() or 0)])
        self.signal = int(found[:, 1].max()) or self.signal
        return torch.tensor(math.sqrt(float(found[:, 0].sum())), dtype=own.dtype, device=own.device)

    def publish(self, place: int, work: Tensor) -> None:
        """Every rank sends its slice to all."""
        if self._is_sliced(place):
            for rank in range(self.group.world):
                part = work[self._slice(len(work), rank)]
                if len(part):
                    self.group.broadcast(part, rank)

    def align(self, place: int, work: Tensor) -> None:
        """The leader sends all of it."""
        if place < self.shared:
            self.group.broadcast(work, LEADER)

    def collect(self, place: int, own: Tensor, size: int) -> Tensor:
        """Followers send their slices."""
        if not self._is_sliced(place):
            return own
        if not self.group.leads:
            if len(own):
                self.group.send(own, LEADER)
            return own
        whole = torch.empty(size, dtype=own.dtype, device=own.device)
        whole[self._slice(size, LEADER)] = own
        for rank in range(1, self.group.world):
            part = whole[self._slice(size, rank)]
            if len(part):
                self.group.receive(part, rank)
        return whole

    def hand_out(self, place: int, whole: Tensor | None, own: Tensor, size: int) -> None:
        """The leader sends each rank its slice, or everybody everything."""
        sliced = self._is_sliced(place) and own.ndim > 0
        if self.group.leads:
            assert whole is not None
            own.copy_(whole[self.part(place, size)] if sliced else whole)
            for rank in range(1, self.group.world if sliced else 0):
                part = whole[self._slice(size, rank)].to(own)
                if len(part):
                    self.group.send(part, rank)
        elif sliced and len(own):
            self.group.receive(own, LEADER)
        if place < self.shared and not sliced:
            self.group.broadcast(own, LEADER)

    def _is_sliced(self, place: int) -> bool:
        return self.sharded and place < self.shared

    def _slice(self, size: int, rank: int) -> slice:
        return slice(size * rank // self.group.world, size * (rank + 1) // self.group.world)
