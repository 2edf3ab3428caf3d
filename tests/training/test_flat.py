"""The flat optimiser against torch's own, parameter by parameter."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tunewright.models.heads import LinearHead
from tunewright.models.network import Network
from tunewright.training import flat as module
from tunewright.training.flat import FlatGroup, FlatOptimizer, Group, groups_of

RATE, DECAY, CLIP = 0.01, 0.1, 0.5


class Body(nn.Module):
    """Stands in for an encoder: matrices, a norm, a bias."""

    def __init__(self):
        super().__init__()
        self.first, self.norm, self.frozen = nn.Linear(6, 5), nn.LayerNorm(5), nn.Linear(5, 5)
        self.frozen.requires_grad_(False)

    def forward(self, x, mask):
        return self.frozen(self.norm(torch.tanh(self.first(x))))


def make(seed=0):
    torch.manual_seed(seed)
    return Network(Body(), LinearHead(5, 3, 0.0))


def optimizer_of(network, clip=CLIP):
    groups = groups_of(network, head=network.head, head_learning_rate=3.0)
    return FlatOptimizer(groups, learning_rate=RATE, weight_decay=DECAY, clip=clip)


def theirs(network):
    head = {id(p) for p in network.head.parameters()}
    settings = [
        {"params": [p], "lr": RATE * (3.0 if id(p) in head else 1.0), "weight_decay": DECAY if p.ndim > 1 else 0.0}
        for p in network.parameters()
        if p.requires_grad
    ]
    return torch.optim.AdamW(settings, betas=(0.9, 0.98), eps=1e-6)


def loss_of(network, step, scale=1.0):
    x = torch.randn(4, 6, generator=torch.Generator().manual_seed(step)) * scale
    return network([(x, None)], None).square().sum()


def test_groups_hold_every_free_weight_once():
    network = make()
    groups = groups_of(network, head=network.head, head_learning_rate=3.0)
    held = [id(p) for group in groups for p in group.parameters]
    assert sorted(held) == sorted(id(p) for p in network.parameters() if p.requires_grad)
    head = {id(p) for p in network.head.parameters()}
    for group in groups:
        for parameter in group.parameters:
            assert group.decay == (parameter.ndim > 1)
            assert group.learning_rate == (3.0 if id(parameter) in head else 1.0)


@pytest.mark.parametrize("clip", [1e9, CLIP])
def test_steps_are_adamws(clip):
    ours, reference = make(), make()
    flat, adamw = optimizer_of(ours, clip), theirs(reference)
    rates = [setting["lr"] for setting in adamw.param_groups]
    for step in range(25):
        share = 1.0 / (1 + step)
        loss_of(ours, step).backward()
        assert flat.step(share)
        adamw.zero_grad()
        loss_of(reference, step).backward()
        nn.utils.clip_grad_norm_([p for p in reference.parameters() if p.requires_grad], clip)
        for setting, rate in zip(adamw.param_groups, rates, strict=True):
            setting["lr"] = rate * share
        adamw.step()
        for (name, a), b in zip(ours.named_parameters(), reference.parameters(), strict=True):
            # clip_grad_norm_ adds 1e-6 to the norm it divides by
            torch.testing.assert_close(a, b, rtol=1e-5, atol=2e-6, msg=f"{name} at {step}")
    moved = (next(iter(ours.encoder.first.parameters())) - next(iter(make().encoder.first.parameters()))).abs()
    assert moved.max() > 0.01


def test_gradients_are_cleared_after_a_step():
    once, twice = make(), make()
    for network, batches in ((once, (1,)), (twice, (0, 1))):
        flat = optimizer_of(network)
        for step in batches:
            loss_of(network, step).backward()
            flat.step(1.0)
        assert all(not p.grad.any() for p in network.parameters() if p.requires_grad)
    assert (once.head.linear.weight != twice.head.linear.weight).any()


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
def test_a_gradient_that_is_not_finite_changes_nothing(poison):
    network = make()
    flat = optimizer_of(network)
    loss_of(network, 0).backward()
    flat.step(1.0)
    before = copy.deepcopy(flat.state())
    loss_of(network, 1).backward()
    network.encoder.first.weight.grad[0, 0] = poison
    assert not flat.step(1.0)
    assert all(torch.equal(value, before[name]) for name, value in flat.state().items())
    loss_of(network, 2).backward()
    assert flat.step(1.0)
    assert all(p.isfinite().all() for p in network.parameters())


def masters(flat):
    return [value for name, value in flat.state().items() if name.startswith("weights")]


def test_low_precision_weights_have_float32_masters():
    """Updates far below bfloat16's resolution add up in the masters and then show in the weights."""
    network = make()
    network.encoder.to(torch.bfloat16)
    flat = FlatOptimizer(
        groups_of(network.encoder, head=nn.Identity(), head_learning_rate=1.0),
        learning_rate=1e-4,
        weight_decay=0.0,
        clip=1e9,
    )
    weight = network.encoder.first.weight
    assert weight.dtype == torch.bfloat16
    with torch.no_grad():
        weight.fill_(1.0)
    flat.load_state({n: torch.ones_like(v) if n.startswith("weights") else v for n, v in flat.state().items()})
    for step in range(60):
        weight.grad.fill_(1.0)
        flat.step(1.0)
        drift = 1.0 - min(value.min().item() for value in masters(flat))
        assert drift == pytest.approx(1e-4 * (step + 1), rel=0.05)
    assert all(value.dtype == torch.float32 for value in masters(flat))
    # bfloat16 resolves 2^-8 below one: 0.006 shows, a single 0.0001 would not.
    assert torch.equal(weight, torch.full_like(weight, 1 - 0.006))


def test_weights_and_moments_come_back():
    network = make()
    flat = optimizer_of(network)
    for step in range(3):
        loss_of(network, step).backward()
        flat.step(1.0)
    state = copy.deepcopy(flat.state())
    again = make(seed=9)
    other = optimizer_of(again)
    other.load_state(state)
    for step in range(3, 6):
        for net, optimizer in ((network, flat), (again, other)):
            net.encoder.frozen.load_state_dict(network.encoder.frozen.state_dict())
            loss_of(net, step).backward()
            optimizer.step(0.5)
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), again.parameters(), strict=True))


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_a_snapshot_is_the_network_as_it_was(precision):
    network = make()
    network.encoder.to(precision)
    flat = FlatOptimizer(
        groups_of(network.encoder, head=nn.Identity(), head_learning_rate=1.0),
        learning_rate=0.1,
        weight_decay=0.0,
        clip=1e9,
    )
    before = [p.clone() for p in network.parameters()]
    kept = flat.snapshot()
    network.encoder.first.weight.grad.fill_(1.0)
    flat.step(1.0)
    later = [p.clone() for p in network.parameters()]
    assert not torch.equal(before[0], later[0])
    flat.restore(kept)
    assert all(torch.equal(a, b) for a, b in zip(before, network.parameters(), strict=True))
    buffers = [buffer.data_ptr() for buffer in kept]
    assert [buffer.data_ptr() for buffer in flat.snapshot(kept)] == buffers


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_the_norm_of_many_small_gradients_is_exact(precision):
    """Beside the sum in float64: over a million values nothing is lost to their low precision."""
    big = nn.Linear(1024, 1024, bias=False).to(precision)
    (group,) = groups_of(big, head=nn.Identity(), head_learning_rate=1.0)
    flat = module.FlatGroup(group)
    flat.grad.copy_(torch.randn(len(flat.grad), generator=torch.Generator().manual_seed(0)))
    assert float(flat.norm()) == pytest.approx(float(flat.grad.double().norm()), rel=1e-5)


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 40), st.integers(1, 45))
def test_the_length_of_a_stretch_does_not_matter(chunk, clip):
    found = []
    for length in (chunk, 1 << 18):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(module, "CHUNK", length)
            network = make()
            flat = optimizer_of(network, clip)
            for step in range(3):
                loss_of(network, step).backward()
                flat.step(1.0)
            found.append([p.detach().clone() for p in network.parameters()])
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_the_norm_of_many_stretches_is_that_of_the_whole(dtype, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", 7)
    weights = nn.Parameter(torch.randn(31, 3, generator=torch.Generator().manual_seed(0)).to(dtype))
    group = FlatGroup(Group((weights,), 1.0, True))
    group.grad.copy_(torch.arange(93.0).sin().to(dtype))
    torch.testing.assert_close(group.norm(), torch.linalg.vector_norm(group.grad.float()))


def test_dropped_gradients_are_gone():
    weights = nn.Parameter(torch.ones(4))
    optimizer = FlatOptimizer([Group((weights,), 1.0, True)], learning_rate=1.0, weight_decay=0.0, clip=1.0)
    (weights * 3).sum().backward()
    assert float(optimizer.flat[0].grad.sum()) == 12
    optimizer.drop_gradients()
    optimizer.step(1.0)
    assert weights.tolist() == [1.0] * 4
