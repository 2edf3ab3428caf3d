"""Messages and tensors between the ranks of a run.

Messages are JSON and plain arrays, never pickles: whoever reaches the port must not be able to run code. Tensors on a
GPU go through NCCL where every rank of the machine has a GPU of its own, and through the CPU where not.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol

import numpy as np
import torch
import torch.distributed as dist
from torch import Tensor

from tunewright.training.parallel.lost import Lost, message

Array = np.ndarray[Any, np.dtype[Any]]
LEADER = 0
# A rank that does not answer for so long counts as gone; one whose connection closes does so at once.
PATIENCE = timedelta(minutes=10)
_FRAME = 4096
_TEXT = 1000


class Store(Protocol):
    """Where ranks meet: the part of `torch.distributed.Store` that is used here."""

    def set(self, key: str, value: str | bytes, /) -> None:
        """Keep a value."""
        ...

    def get(self, key: str, /) -> bytes:
        """Give a value, once it is there."""
        ...

    def check(self, keys: list[str], /) -> bool:
        """Whether all of them are there."""
        ...


class Group:
    """A process among the ranks of its run.

    Args:
        store: where all of them meet.
        rank: of this process.
        world: how many there are.
        patience: after which a rank that does not answer counts as gone.

    Raises:
        Lost: from any method, once a rank is gone.
    """

    def __init__(self, store: Store, rank: int, world: int, patience: timedelta = PATIENCE) -> None:
        self.store, self.rank, self.world = store, rank, world
        self.sound, self.busy = True, False
        self._nccl = _has_own_gpu()
        backend = "cpu:gloo,cuda:nccl" if self._nccl else "gloo"
        with self._kept():
            shared: Any = store
            dist.init_process_group(backend, store=shared, rank=rank, world_size=world, timeout=patience)

    @property
    def leads(self) -> bool:
        """Whether this process is the leader."""
        return self.rank == LEADER

    def tell(self, said: Mapping[str, Any], arrays: Sequence[Array] = ()) -> None:
        """Send a message from the leader to everybody; short ones go in one frame."""
        data = _pack(said, arrays)
        frame = np.zeros(_FRAME, np.uint8)
        frame[:8] = np.frombuffer(len(data).to_bytes(8, "little"), np.uint8)
        frame[8 : 8 + len(data)] = np.frombuffer(data[: _FRAME - 8], np.uint8)
        self.broadcast(torch.from_numpy(frame), LEADER)
        if len(data) > _FRAME - 8:
            self.broadcast(torch.frombuffer(bytearray(data[_FRAME - 8 :]), dtype=torch.uint8), LEADER)

    def hear(self) -> tuple[dict[str, Any], list[Array]]:
        """Receive the leader's next message."""
        frame = torch.empty(_FRAME, dtype=torch.uint8)
        self.broadcast(frame, LEADER)
        data = frame.numpy().tobytes()
        size = int.from_bytes(data[:8], "little")
        if size <= _FRAME - 8:
            return _unpack(data[8 : 8 + size])
        rest = torch.empty(size - (_FRAME - 8), dtype=torch.uint8)
        self.broadcast(rest, LEADER)
        return _unpack(data[8:] + rest.numpy().tobytes())

    def answers(self, text: str) -> list[str]:
        """A short text of every rank, by rank."""
        own = np.zeros(_TEXT, np.uint8)
        data = text.encode()[:_TEXT]
        own[: len(data)] = np.frombuffer(data, np.uint8)
        found = [torch.empty(_TEXT, dtype=torch.uint8) for _ in range(self.world)]
        with self._kept():
            dist.all_gather(found, torch.from_numpy(own))
        return [one.numpy().tobytes().rstrip(b"\0").decode("utf-8", "ignore") for one in found]

    def numbers(self, own: Sequence[float]) -> Array:
        """(world, n) the numbers of every rank, the same everywhere."""
        found = [torch.empty(len(own), dtype=torch.float64) for _ in range(self.world)]
        with self._kept():
            dist.all_gather(found, torch.tensor(own, dtype=torch.float64))
        return torch.stack(found).numpy()

    def add_up(self, tensor: Tensor) -> None:
        """Replace a tensor by its sum over ranks."""
        with self._kept(), self._wire(tensor) as wire:
            dist.all_reduce(wire)

    def broadcast(self, tensor: Tensor, source: int) -> None:
        """Overwrite a tensor with that of another rank."""
        with self._kept(), self._wire(tensor) as wire:
            dist.broadcast(wire, source)

    def send(self, tensor: Tensor, to: int) -> None:
        """Hand a tensor to one rank, which receives it."""
        with self._kept(), self._wire(tensor.contiguous()) as wire:
            dist.send(wire, to)

    def receive(self, tensor: Tensor, source: int) -> None:
        """Fill a contiguous tensor with what a rank sends."""
        with self._kept(), self._wire(tensor) as wire:
            dist.recv(wire, source)

    def close(self) -> None:
        """Leave, where all leave."""
        if dist.is_initialized():
            dist.destroy_process_group()

    @contextmanager
    def _wire(self, tensor: Tensor) -> Iterator[Tensor]:
        if tensor.device.type == "cpu" or self._nccl:
            yield tensor
            return
        staged = tensor.cpu()
        yield staged
        tensor.copy_(staged)

    @contextmanager
    def _kept(self) -> Iterator[None]:
        try:
            yield
        except RuntimeError as problem:
            self.sound = False
            raise Lost(message(self.world, self._reasons(), problem)) from problem

    def _reasons(self) -> list[str]:
        """What ranks said before they left."""
        try:
            told = [(rank, f"failed/{rank}") for rank in range(self.world)]
            return [f"rank {r}: {self.store.get(key).decode()}" for r, key in told if self.store.check([key])]
        except RuntimeError:
            return []  # the store has gone with its process


def _has_own_gpu() -> bool:
    ranks_here = int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
    return torch.cuda.is_available() and dist.is_nccl_available() and torch.cuda.device_count() >= ranks_here


def _pack(said: Mapping[str, Any], arrays: Sequence[Array]) -> bytes:
    """The length of a JSON head, the head, the arrays' bytes.

    >>> _unpack(_pack({"op": "x"}, [np.arange(3, dtype=np.int32)]))
    ({'op': 'x'}, [array([0, 1, 2], dtype=int32)])
    """
    kept = [np.ascontiguousarray(one) for one in arrays]
    head = json.dumps({"said": dict(said), "arrays": [(one.dtype.str, one.shape) for one in kept]}).encode()
    return b"".join([len(head).to_bytes(8, "little"), head, *(one.tobytes() for one in kept)])


def _unpack(data: bytes) -> tuple[dict[str, Any], list[Array]]:
    start = 8 + int.from_bytes(data[:8], "little")
    head = json.loads(data[8:start])
    arrays = []
    for kind, shape in head["arrays"]:
        count = int(np.prod(shape, dtype=np.int64))
        arrays.append(np.frombuffer(data, np.dtype(kind), count, start).reshape(shape).copy())
        start += arrays[-1].nbytes
    return head["said"], arrays
