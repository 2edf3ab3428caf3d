"""All trainable weights in a few contiguous buffers, with float32 masters behind weights of any precision.

The network's parameters become views into one buffer per group. torch's fused AdamW runs over it stretch by stretch,
and a checkpoint is a handful of arrays whatever the backbone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.optim.adamw import adamw

from tunewright.training.parallel.exchange import Exchange, NoExchange

BETAS = (0.9, 0.98)
EPSILON = 1e-6
# Weights per call: a stretch whose gradient, master and moments pass through the cache together.
CHUNK = 1 << 18


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters that share an optimiser setting.

    Args:
        parameters: in a fixed order.
        learning_rate: relative to the recipe's.
        decay: whether weight decay applies (matrices, not biases and norms).
        depth: layers that train above these; 0 for the head and the top layer.
    """

    parameters: tuple[nn.Parameter, ...]
    learning_rate: float
    decay: bool
    depth: int = 0


class FlatGroup:
    """One group's buffers: `work` (what the network computes with), `grad`, the float32 `master`, AdamW's moments.

    `master` and moments are of `part`: the slice that this process updates, which is all of it in a run of one process.
    """

    def __init__(self, group: Group, part: slice = slice(None)) -> None:
        self.group = group
        first = group.parameters[0]
        size = sum(p.numel() for p in group.parameters)
        self.work = torch.empty(size, dtype=first.dtype, device=first.device)
        self.grad = torch.zeros(size, dtype=first.dtype, device=first.device)
        start = 0
        for parameter in group.parameters:
            stop = start + parameter.numel()
            view = self.work[start:stop].view_as(parameter)
            view.copy_(parameter.data)
            parameter.data = view
            parameter.grad = self.grad[start:stop].view_as(parameter)
            start = stop
        self.part = part
        self.own_work, self.own_grad = self.work[part], self.grad[part]
        self.mixed = first.dtype != torch.float32
        self.master = self.own_work.float() if self.mixed else self.own_work
        self.moments = (torch.zeros_like(self.master), torch.zeros_like(self.master))
        self.steps = torch.zeros((), device=first.device)

    def norm(self) -> Tensor:
        """The norm of this process's part of the gradient, summed in float32, a stretch at a time.

        Torch's own sum over a whole low-precision buffer took sixteen times as long on a CPU, and was less exact.
        """
        starts = range(0, max(len(self.own_grad), 1), CHUNK)
        norms = [torch.linalg.vector_norm(self.own_grad[start : start + CHUNK].float()) for start in starts]
        norm: Tensor = torch.linalg.vector_norm(torch.stack(norms))
        return norm

    def update(self, *, learning_rate: float, weight_decay: float, scale: Tensor | None) -> None:
        """One AdamW step, a stretch of `CHUNK` weights after the other, so that no second gradient is ever whole."""
        for start in range(0, len(self.master), CHUNK):
            part = slice(start, start + CHUNK)
            gradient = self.own_grad[part].float() if self.mixed else self.own_grad[part]
            if scale is not None:
                gradient.mul_(scale)
            adamw(
                [self.master[part]],
                [gradient],
                [self.moments[0][part]],
                [self.moments[1][part]],
                [],
                [self.steps.clone()],
                fused=True,
                amsgrad=False,
                beta1=BETAS[0],
                beta2=BETAS[1],
                lr=learning_rate,
                weight_decay=weight_decay,
                eps=EPSILON,
                maximize=False,
            )
            if self.mixed:
                self.own_work[part].copy_(self.master[part])
        self.steps += 1


class FlatOptimizer:
    """AdamW (Loshchilov and Hutter 2019) over flat groups, with clipping by global norm.

    Args:
        groups: what trains.
        learning_rate: peak; the schedule scales it.
        weight_decay: for the groups that decay.
        clip: largest global gradient norm.
        layer_decay: the learning rate of a group, relative to that of groups one layer above (Howard and Ruder 2018,
            discriminative fine-tuning; Clark et al. 2020).
        exchange: what the ranks of a run exchange; alone, nothing.
    """

    def __init__(
        self,
        groups: Sequence[Group],
        *,
        learning_rate: float,
        weight_decay: float,
        clip: float,
        layer_decay: float = 1.0,
        exchange: Exchange | None = None,
    ) -> None:
        self.exchange = exchange or NoExchange()
        sizes = [sum(p.numel() for p in group.parameters) for group in groups]
        self.flat = [FlatGroup(group, self.exchange.part(i, sizes[i])) for i, group in enumerate(groups)]
        self.free = list(enumerate(self.flat))
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.clip = clip
        self.layer_decay = layer_decay

    @property
    def layers(self) -> int:
        """How many layers the groups tell apart."""
        return 1 + max(flat.group.depth for flat in self.flat)

    def unfreeze(self, layers: int) -> None:
        """Let the head and so many layers from the top train; the others get no gradient and stay exactly as they are.

        What is freed later starts with moments of zero, and its steps are counted from there.
        """
        with self.exchange.together("unfreeze", layers=layers):
            self.free = [(i, flat) for i, flat in enumerate(self.flat) if flat.group.depth < layers]
            for flat in self.flat:
                for parameter in flat.group.parameters:
                    parameter.requires_grad_(flat.group.depth < layers)

    @torch.no_grad()
    def step(self, schedule: float) -> bool:
        """Apply one update and clear gradients; a non-finite gradient is dropped and False returned."""
        rates = {"learning_rate": self.learning_rate, "weight_decay": self.weight_decay}
        with self.exchange.together("step", schedule=schedule, layer_decay=self.layer_decay, **rates):
            for i, flat in self.free:
                self.exchange.add_up(i, flat.grad)
            norm = self.exchange.norm(torch.stack([flat.norm() for _, flat in self.free]).norm())
            finite = bool(torch.isfinite(norm))
            if finite:
                self._update(schedule, self.clip / norm if norm > self.clip else None)
            self._drop_gradients()
        return finite

    def _update(self, schedule: float, scale: Tensor | None) -> None:
        for i, flat in self.free:
            relative = flat.group.learning_rate * self.layer_decay**flat.group.depth
            flat.update(
                learning_rate=self.learning_rate * relative * schedule,
                weight_decay=self.weight_decay if flat.group.decay else 0.0,
                scale=scale,
            )
            self.exchange.publish(i, flat.work)

    @torch.no_grad()
    def drop_gradients(self) -> None:
        """Forget what has been added up since the last update, on every rank."""
        with self.exchange.together("drop"):
            self._drop_gradients()

    def _drop_gradients(self) -> None:
        for flat in self.flat:
            flat.grad.zero_()

    @torch.no_grad()
    def align(self) -> None:
        """Start every rank from the leader's weights."""
        with self.exchange.together("align"):
            self._align()

    def _align(self) -> None:
        for i, flat in enumerate(self.flat):
            self.exchange.align(i, flat.work)
            flat.master.copy_(flat.own_work)

    @torch.no_grad()
    def show(self) -> None:
        """Let every rank compute with what the leader's network holds for a while; masters behind weights stay."""
        with self.exchange.together("show"):
            for i, flat in enumerate(self.flat):
                self.exchange.align(i, flat.work)

    def state(self) -> dict[str, Tensor]:
        """Masters, moments and step counts by group: the very buffers, not copies, where they are whole here."""
        with self.exchange.together("state"):
            return {
                f"{name}.{i}": self.exchange.collect(i, buffer, len(flat.work)) if buffer.ndim else buffer
                for i, flat in enumerate(self.flat)
                for name, buffer in _buffers(flat).items()
            }

    @torch.no_grad()
    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Set all of it, as `state` returned it, and the network's weights; followers have no state to hand in."""
        with self.exchange.together("load"):
            for i, flat in enumerate(self.flat):
                for name, buffer in _buffers(flat).items():
                    self.exchange.hand_out(i, state.get(f"{name}.{i}"), buffer, len(flat.work))
                flat.own_work.copy_(flat.master)
                self.exchange.publish(i, flat.work)

    @torch.no_grad()
    def snapshot(self, into: list[Tensor] | None = None) -> list[Tensor]:
        """The network's weights by group, in its own precision; `into` an older snapshot, which is overwritten."""
        if into is None:
            return [flat.work.clone() for flat in self.flat]
        for kept, flat in zip(into, self.flat, strict=True):
            kept.copy_(flat.work)
        return into

    @torch.no_grad()
    def restore(self, snapshot: Sequence[Tensor]) -> None:
        """Set the network's weights to a snapshot; what follows is prediction, so the masters follow rounded."""
        for flat, kept in zip(self.flat, snapshot, strict=True):
            flat.work.copy_(kept)
            flat.master.copy_(kept[flat.part])

    @torch.no_grad()
    def rewind(self, snapshot: Sequence[Tensor] | None) -> None:
        """Set everything to what it was before the first update, when `snapshot` was taken; followers have none."""
        if snapshot is not None:
            self.restore(snapshot)
        with self.exchange.together("rewind"):
            self._align()
        for flat in self.flat:
            for buffer in (*flat.moments, flat.steps, flat.grad):
                buffer.zero_()


def _buffers(flat: FlatGroup) -> dict[str, Tensor]:
    first, second = flat.moments
    return {"weights": flat.master, "exp_avg": first, "exp_avg_sq": second, "step": flat.steps}


def groups_of(
    network: nn.Module, *, head: nn.Module, head_learning_rate: float, depths: Mapping[str, int] | None = None
) -> list[Group]:
    """Sort the trainable parameters of a network into groups: body and head, decaying matrices and the rest.

    Args:
        network: freed by `choose_trainable`.
        head: the part of it that learns at a rate of its own.
        head_learning_rate: relative to the body's.
        depths: layers above each parameter, by its name; None puts all layers into one group.
    """
    of_head = {id(p) for p in head.parameters()}
    sorted_in: dict[tuple[bool, int, bool], list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        if parameter.requires_grad:
            depth = 0 if depths is None else depths[name]
            sorted_in.setdefault((id(parameter) in of_head, depth, parameter.ndim > 1), []).append(parameter)
    return [
        Group(tuple(parameters), head_learning_rate if in_head else 1.0, decay, depth)
        for (in_head, depth, decay), parameters in sorted(sorted_in.items())
    ]
