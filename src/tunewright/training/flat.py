"""All trainable weights in a few contiguous buffers, with float32 masters behind weights of any precision.

The network's parameters become views into one buffer per precision. One fused AdamW call, one norm and one copy serve
all of them, and a checkpoint is a handful of arrays whatever the backbone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class Group:
    """Parameters that share an optimiser setting.

    Args:
        parameters: in a fixed order.
        learning_rate: relative to the recipe's.
        decay: whether weight decay applies (matrices, not biases and norms).
    """

    parameters: tuple[nn.Parameter, ...]
    learning_rate: float
    decay: bool


class FlatGroup:
    """One group's buffers: `work` (what the network computes with), `grad`, and the float32 `master`."""

    def __init__(self, group: Group) -> None:
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
        self.mixed = first.dtype != torch.float32
        self.master = nn.Parameter(self.work.float() if self.mixed else self.work)
        self.master.grad = torch.zeros_like(self.master) if self.mixed else self.grad

    def gather(self) -> Tensor:
        """Bring the gradient to float32 and return it."""
        assert self.master.grad is not None
        if self.mixed:
            self.master.grad.copy_(self.grad)
        return self.master.grad

    def publish(self) -> None:
        """Bring the updated masters back to the network."""
        if self.mixed:
            with torch.no_grad():
                self.work.copy_(self.master)

    def load(self, values: Tensor) -> None:
        """Set the masters and the network's weights."""
        with torch.no_grad():
            self.master.copy_(values)
        self.publish()


class FlatOptimizer:
    """AdamW (Loshchilov and Hutter 2019) over flat groups, with clipping by global norm.

    Args:
        groups: what trains.
        learning_rate: peak; the schedule scales it.
        weight_decay: for the groups that decay.
        clip: largest global gradient norm.
    """

    def __init__(self, groups: Sequence[Group], *, learning_rate: float, weight_decay: float, clip: float) -> None:
        self.flat = [FlatGroup(group) for group in groups]
        self.learning_rate = learning_rate
        self.clip = clip
        self.adamw = torch.optim.AdamW(
            [
                {"params": [flat.master], "weight_decay": weight_decay if flat.group.decay else 0.0}
                for flat in self.flat
            ],
            lr=learning_rate,
            betas=(0.9, 0.98),
            eps=1e-6,
            fused=True,
        )

    def step(self, schedule: float) -> bool:
        """Apply one update and clear gradients; a non-finite gradient is dropped and False returned."""
        gradients = [flat.gather() for flat in self.flat]
        norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
        finite = bool(torch.isfinite(norm))
        if finite:
            if norm > self.clip:
                torch._foreach_mul_(gradients, self.clip / norm)
            for setting, flat in zip(self.adamw.param_groups, self.flat, strict=True):
                setting["lr"] = self.learning_rate * flat.group.learning_rate * schedule
            self.adamw.step()
            for flat in self.flat:
                flat.publish()
        for flat in self.flat:
            flat.grad.zero_()
        return finite

    def weights(self) -> dict[str, Tensor]:
        """A copy of the masters, by group."""
        return {f"weights.{i}": flat.master.detach().clone() for i, flat in enumerate(self.flat)}

    def load_weights(self, weights: dict[str, Tensor]) -> None:
        """Set the masters, as `weights` returned them."""
        for i, flat in enumerate(self.flat):
            flat.load(weights[f"weights.{i}"])

    def moments(self) -> dict[str, Tensor]:
        """AdamW's state as flat tensors."""
        state = self.adamw.state
        return {
            f"{name}.{i}": state[flat.master][name]
            for i, flat in enumerate(self.flat)
            if flat.master in state
            for name in ("exp_avg", "exp_avg_sq", "step")
        }

    def load_moments(self, moments: dict[str, Tensor]) -> None:
        """Set AdamW's state, as `moments` returned it."""
        for i, flat in enumerate(self.flat):
            if f"exp_avg.{i}" in moments:
                self.adamw.state[flat.master] = {
                    name: moments[f"{name}.{i}"] for name in ("exp_avg", "exp_avg_sq", "step")
                }


def groups_of(network: nn.Module, *, head: nn.Module, head_learning_rate: float) -> list[Group]:
    """Sort the trainable parameters of a network into groups: body and head, decaying matrices and the rest."""
    of_head = {id(p) for p in head.parameters()}
    sorted_in: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for parameter in network.parameters():
        if parameter.requires_grad:
            sorted_in.setdefault((id(parameter) in of_head, parameter.ndim > 1), []).append(parameter)
    return [
        Group(tuple(parameters), head_learning_rate if in_head else 1.0, decay)
        for (in_head, decay), parameters in sorted(sorted_in.items())
    ]
