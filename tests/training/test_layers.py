"""Rates and freezing layer by layer, against torch's own AdamW over one parameter group a layer."""

import copy
from itertools import pairwise

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from tunewright.models.heads import LinearHead
from tunewright.models.network import Network
from tunewright.models.trainable import layer_depths
from tunewright.training.flat import FlatOptimizer, groups_of
from tunewright.training.unfreezing import free_layers

RATE, DECAY, CLIP = 0.01, 0.1, 0.5
DEPTH = {"encoder.norm": 3, "encoder.layer.0": 2, "encoder.layer.1": 1, "encoder.layer.2": 0, "head": 0}


class Body(nn.Module):
    """Stands in for an encoder: a norm below three numbered layers."""

    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(6)
        self.layer = nn.ModuleList(nn.Linear(6, 6) for _ in range(3))

    def forward(self, x, mask):
        x = self.norm(x)
        for layer in self.layer:
            x = x + torch.tanh(layer(x))
        return x


def make(seed=0):
    torch.manual_seed(seed)
    return Network(Body(), LinearHead(6, 3, 0.0))


def depth_of(name):
    return next(depth for start, depth in DEPTH.items() if name.startswith(start))


def flat_of(network, **more):
    groups = groups_of(network, head=network.head, head_learning_rate=3.0, depths=layer_depths(network))
    return FlatOptimizer(groups, **{"learning_rate": RATE, "weight_decay": DECAY, "clip": CLIP} | more)


def settings(network, names, factor):
    """One of torch's parameter groups for each parameter."""
    return [
        {
            "params": [p],
            "lr": RATE * (3.0 if name.startswith("head") else factor ** depth_of(name)),
            "weight_decay": DECAY if p.ndim > 1 else 0.0,
        }
        for name, p in network.named_parameters()
        if name in names
    ]


def loss_of(network, step):
    x = torch.randn(4, 6, generator=torch.Generator().manual_seed(step))
    return network([(x, None)], None).square().sum()


def close(ours, reference, *, step):
    for (name, a), b in zip(ours.named_parameters(), reference.parameters(), strict=True):
        # clip_grad_norm_ adds 1e-6 to the norm it divides by
        torch.testing.assert_close(a, b, rtol=1e-5, atol=2e-6, msg=f"{name} at {step}")


def test_depths_count_layers_from_the_top():
    network = make()
    assert layer_depths(network) == {name: depth_of(name) for name, _ in network.named_parameters()}
    network.encoder.norm.requires_grad_(False)
    network.encoder.layer[0].requires_grad_(False)
    left = layer_depths(network)
    assert set(left.values()) == {0, 1} and not any(".layer.0." in name or "norm" in name for name in left)


@pytest.mark.parametrize("factor", [1.0, 0.8, 0.3])
def test_each_layer_learns_at_its_own_rate(factor):
    ours, reference = make(), make()
    flat = flat_of(ours, layer_decay=factor)
    assert flat.layers == 4
    adamw = torch.optim.AdamW(
        settings(reference, dict(reference.named_parameters()), factor), betas=(0.9, 0.98), eps=1e-6
    )
    for step in range(12):
        loss_of(ours, step).backward()
        assert flat.step(1.0)
        adamw.zero_grad()
        loss_of(reference, step).backward()
        nn.utils.clip_grad_norm_(reference.parameters(), CLIP)
        adamw.step()
        close(ours, reference, step=step)
    moved = [
        float((a - b).detach().abs().max())
        for (name, a), b in zip(ours.named_parameters(), make().parameters(), strict=True)
        if name.startswith("encoder.layer") and name.endswith("weight")
    ]
    # AdamW moves weights by about its rate: what is lower has moved less where the factor is small.
    assert (moved[0] < 0.4 * moved[2]) == (factor == 0.3)


def test_what_is_freed_later_starts_as_if_training_began_there():
    """The reference adds a layer's parameters to torch's AdamW only when the layer is freed."""
    ours, reference = make(), make()
    flat = flat_of(ours, layer_decay=0.7)
    depths = layer_depths(reference)
    adamw, known = None, set()
    for step in range(12):
        layers = 1 + step // 3
        flat.unfreeze(layers)
        new = {name for name, depth in depths.items() if depth < layers} - known
        added = settings(reference, new, 0.7)
        if adamw is None:
            adamw = torch.optim.AdamW(added, betas=(0.9, 0.98), eps=1e-6)
        else:
            for group in added:
                adamw.add_param_group(group)
        known |= new
        untouched = {name: p.detach().clone() for name, p in ours.named_parameters() if depths[name] >= layers}
        loss_of(ours, step).backward()
        assert flat.step(1.0)
        reference.zero_grad()
        loss_of(reference, step).backward()
        nn.utils.clip_grad_norm_([p for name, p in reference.named_parameters() if name in known], CLIP)
        for name, parameter in reference.named_parameters():
            if name not in known:
                parameter.grad = None
        adamw.step()
        close(ours, reference, step=step)
        now = dict(ours.named_parameters())
        assert all(torch.equal(now[name], value) for name, value in untouched.items())
        assert bool(untouched) == (layers < 4)
    assert len(known) == len(depths)


def test_frozen_layers_cost_no_backward_pass_and_leave_no_trace():
    network = make()
    flat = flat_of(network)
    flat.unfreeze(2)
    frozen = [flat for flat in flat.flat if flat.group.depth >= 2]
    before = [copy.deepcopy((one.master, one.moments, one.steps)) for one in frozen]
    assert not network.encoder.layer[0].weight.requires_grad and network.encoder.layer[1].weight.requires_grad
    for step in range(3):
        loss_of(network, step).backward()
        flat.step(1.0)
    for one, (master, moments, steps) in zip(frozen, before, strict=True):
        assert torch.equal(one.master, master) and not one.grad.any() and torch.equal(one.steps, steps)
        assert all(torch.equal(a, b) for a, b in zip(one.moments, moments, strict=True))
    flat.unfreeze(flat.layers)
    assert all(p.requires_grad for p in network.parameters())


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_groups_by_layer_take_no_more_memory(precision):
    """Sixteen bytes a weight that trains: weight and gradient, master where there is one, two moments."""
    network = make()
    network.encoder.to(precision)
    network.head.to(precision)
    flat = flat_of(network, layer_decay=0.5)
    held = {}
    for one in flat.flat:
        for buffer in (one.work, one.grad, one.master, *one.moments):
            held[buffer.data_ptr()] = buffer.nbytes
    assert sum(held.values()) == 16 * sum(p.numel() for p in network.parameters())


@given(st.integers(1, 40), st.integers(1, 30))
def test_layers_are_freed_from_one_to_all(epochs, layers):
    free = [free_layers(epoch, epochs=epochs, layers=layers) for epoch in range(1, epochs + 1)]
    half = epochs // 2
    assert all(1 <= one <= layers for one in free)
    assert free[0] == (1 if half else layers)
    assert all(later > one or later == layers for one, later in pairwise(free))
    assert all(one == layers for one in free[half:])
    # No epoch frees more than an even share, rounded up.
    assert all(later - one <= -(-(layers - 1) // half) for one, later in pairwise(free))
