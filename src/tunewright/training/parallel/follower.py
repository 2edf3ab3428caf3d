"""What every rank but the first does: wait, lend its hands, wait again. It writes nothing and prints nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from tunewright.errors import ModelError
from tunewright.events import Event, Observer
from tunewright.models.checkpointing import set_checkpointing
from tunewright.models.encoder import Encoder
from tunewright.models.heads import Head
from tunewright.models.inputs import evaluation_batches
from tunewright.models.network import Network, join_vectors
from tunewright.models.outputs import encode_inputs
from tunewright.models.precision import pick_device
from tunewright.models.trainable import choose_trainable, lowest_free, set_dropout
from tunewright.training.flat import FlatOptimizer
from tunewright.training.flat import Group as Weights
from tunewright.training.parallel.exchange import RankExchange
from tunewright.training.parallel.group import LEADER, PATIENCE, Group, Store
from tunewright.training.parallel.lost import Lost, message
from tunewright.training.parallel.spec import Spec, share, to_inputs

Array = np.ndarray[Any, np.dtype[Any]]
POLL = 0.02


def follow(
    store: Store,
    rank: int,
    world: int,
    *,
    observe: Observer,
    stop: Callable[[], int | None],
    patience: timedelta = PATIENCE,
) -> None:
    """Answer the leader's calls until it lets this process go.

    Args:
        store: where all ranks meet.
        rank: of this process, from 1.
        world: how many ranks there are.
        observe: hears "progress" while the leader needs this process, and "note" when it no longer does.
        stop: returns a signal number once one has arrived.
        patience: after which a rank that does not answer counts as gone.

    Raises:
        Lost: a rank is gone.
    """
    group: Group | None = None
    number = 0
    try:
        while (call := _wait(store, f"call/{number}", world)) != b"bye":
            number += 1
            observe(Event(station="train", what="progress"))
            group = group or Group(store, rank, world, patience)
            _answer(group, json.loads(call), stop)
            observe(Event(station="train", what="note"))
    except Exception as problem:
        with suppress(RuntimeError):
            store.set(f"failed/{rank}", f"{type(problem).__name__}: {problem}"[:500])
        raise
    finally:
        with suppress(RuntimeError):
            store.set(f"gone/{rank}", "")
    if group is not None:
        group.close()


def _wait(store: Store, key: str, world: int) -> bytes:
    """Poll, so that a signal is answered between two looks, however long the leader is busy with itself."""
    try:
        while not store.check([key]):
            time.sleep(POLL)
        return bytes(store.get(key))
    except RuntimeError as problem:
        raise Lost(message(world, [], problem)) from problem


def _answer(group: Group, call: Mapping[str, str], stop: Callable[[], int | None]) -> None:
    encoder: Encoder | None = None
    told = ""
    try:
        encoder = Spec(**call).load()
    except (ModelError, OSError) as problem:
        told = str(problem)
    # Where a rank lacks the encoder, the leader says so and nobody begins.
    if any(group.answers(told)) or encoder is None:
        return
    _Hands(group, encoder, stop).serve()


class _Hands:
    """One encoder and what it is needed for, until the leader has done with it."""

    def __init__(self, group: Group, encoder: Encoder, stop: Callable[[], int | None]) -> None:
        self.group, self.encoder, self.stop = group, encoder, stop
        self.device = pick_device()
        self.optimizer: FlatOptimizer | None = None
        self.forwarded: Tensor | None = None
        self.checkpointing = False

    def serve(self) -> None:
        """Do what is told until "end"."""
        while True:
            said, arrays = self.group.hear()
            match said.pop("op"):
                case "end":
                    return
                case "weights":
                    self.weights(**said)
                case "vectors":
                    self.vectors(arrays, **said)
                case "train":
                    self.train(**said)
                case "forward":
                    self.forward(arrays, **said)
                case "backward":
                    self.backward()
                case other:
                    self.optimize(other, **said)

    def weights(self, *, names: Sequence[str]) -> None:
        """Take over the leader's weights."""
        state = self.encoder.state_dict()
        if list(state) != list(names):
            raise ModelError("Every rank must hold the same encoder. The leader's has other weights.")
        for value in state.values():
            received = value.detach().contiguous()
            self.group.broadcast(received, LEADER)
            value.copy_(received)

    def vectors(self, arrays: Sequence[Array], *, tokens: int) -> None:
        """Encode this rank's batches of all rows."""
        inputs = to_inputs(arrays)
        batches = evaluation_batches(inputs.lengths, tokens=tokens)[self.group.rank :: self.group.world]
        if batches:
            found = encode_inputs(self.encoder, inputs, device=self.device, batches=batches)
            self.group.send(torch.from_numpy(found[np.concatenate(batches)]), LEADER)

    def train(
        self,
        *,
        groups: Sequence[Mapping[str, Any]],
        lora: bool,
        seed: int,
        dropout: float,
        clip: float,
        sharded: bool,
    ) -> None:
        """Free the same weights as the leader, and make the same optimiser over them."""
        if lora:
            # The head is the leader's alone; its place is taken by what has no weights.
            choose_trainable(Network(self.encoder, cast(Head, nn.Identity())), "lora", seed=seed)
        named = dict(self.encoder.named_parameters())
        chosen = {name for one in groups for name in one["names"]}
        for name, parameter in named.items():
            parameter.requires_grad_(name in chosen)
        set_dropout(self.encoder, dropout, first=lowest_free(self.encoder))
        self.optimizer = FlatOptimizer(
            [
                Weights(tuple(named[n] for n in one["names"]), one["learning_rate"], one["decay"], one["depth"])
                for one in groups
            ],
            learning_rate=0.0,
            weight_decay=0.0,
            clip=clip,
            exchange=RankExchange(self.group, shared=len(groups), sharded=sharded, stop=self.stop),
        )

    def forward(
        self, arrays: Sequence[Array], *, train: bool, grad: bool, checkpointing: bool, seed: int | None = None
    ) -> None:
        """Encode this rank's rows of a batch and send what came of it."""
        inputs = to_inputs(arrays)
        rows = share(len(inputs), self.group.rank, self.group.world)
        self.forwarded = None
        if not len(rows):
            return
        self.encoder.train(train)
        if checkpointing != self.checkpointing:
            set_checkpointing(self.encoder, checkpointing)
            self.checkpointing = checkpointing
        with torch.random.fork_rng(_gpus(), enabled=seed is not None), torch.set_grad_enabled(grad):
            if seed is not None:
                torch.manual_seed(seed + self.group.rank)
            x_bV = join_vectors([self.encoder(ids, mask) for ids, mask in inputs.tensors(rows, self.device)[0]])
        self.group.send(x_bV.detach(), LEADER)
        self.forwarded = x_bV if grad else None

    def backward(self) -> None:
        """Gradients of this rank's rows, from what the head's loss says about them."""
        if self.forwarded is None:
            return
        gradient = torch.empty_like(self.forwarded)
        self.group.receive(gradient, LEADER)
        self.forwarded.backward(gradient)  # type: ignore[no-untyped-call]
        self.forwarded = None

    def optimize(self, what: str, **numbers: float) -> None:
        """What the leader's optimiser does, at the same time."""
        optimizer = self.optimizer
        assert optimizer is not None
        match what:
            case "step":
                optimizer.learning_rate, optimizer.weight_decay = numbers["learning_rate"], numbers["weight_decay"]
                optimizer.layer_decay = numbers["layer_decay"]
                optimizer.step(numbers["schedule"])
            case "unfreeze":
                optimizer.unfreeze(int(numbers["layers"]))
            case "drop":
                self.forwarded = None
                optimizer.drop_gradients()
            case "state":
                optimizer.state()
            case "load":
                optimizer.load_state({})
            case "rewind":
                optimizer.rewind(None)
            case "show":
                optimizer.show()
            case _:
                optimizer.align()


def _gpus() -> list[int]:
    return [torch.cuda.current_device()] if torch.cuda.is_available() else []
