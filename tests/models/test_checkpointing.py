"""Gradient checkpointing: the same gradients from less memory, counted tensor by tensor."""

import weakref

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from tunewright.models.backbone import load_folder
from tunewright.models.checkpointing import blocks_of, set_checkpointing
from tunewright.models.encoder import Encoder
from tunewright.models.footprint import Shape, shape_of
from tunewright.models.heads import make_head
from tunewright.models.network import Network
from tunewright.models.trainable import choose_trainable, merge_lora, set_dropout

IDS = torch.randint(5, 100, (64, 48), generator=torch.Generator().manual_seed(0))


class Counted(TorchDispatchMode):
    """Bytes of all storages that were made inside and still live, and their peak."""

    def __init__(self):
        super().__init__()
        self.live = self.peak = 0
        self.known = weakref.WeakSet()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        made = func(*args, **(kwargs or {}))
        for one in made if isinstance(made, tuple | list) else (made,):
            if isinstance(one, torch.Tensor) and one.untyped_storage() not in self.known:
                self.add(one.untyped_storage())
        return made

    def add(self, storage):
        self.known.add(storage)
        size = storage.nbytes()
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self.drop, size)

    def drop(self, size):
        self.live -= size


@pytest.fixture
def network(tiny_model):
    torch.manual_seed(0)
    return Network(Encoder(load_folder(tiny_model), "mean"), make_head("linear", inputs=32, outputs=2, dropout=0.1))


def gradients(network, on, *, seed=5):
    network.train()
    network.zero_grad()
    set_checkpointing(network.encoder, on)
    torch.manual_seed(seed)
    with Counted() as counted:
        network([(IDS, None)], None).square().mean().backward()
    set_checkpointing(network.encoder, False)
    return {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}, counted.peak


@pytest.mark.parametrize("method", ["full", "layers:1", "lora"])
@pytest.mark.parametrize("dropout", [0.0, 0.3])
def test_the_same_gradients_from_less_memory(network, method, dropout):
    choose_trainable(network, method, seed=0)
    set_dropout(network.encoder, dropout)
    plain, much = gradients(network, False)
    again, less = gradients(network, True)
    assert plain.keys() == again.keys() and any("encoder" in name for name in plain)
    for name, value in plain.items():
        torch.testing.assert_close(again[name], value)
    # Of one block that trains alone, everything is computed again at once: nothing is saved.
    assert less < {"full": 0.8, "lora": 0.95, "layers:1": 1.1}[method] * much


def test_the_arithmetic_of_both_is_near_what_is_counted(network, tiny_model):
    """What is counted holds the forward pass and what the backward pass adds; the formula speaks of the former."""
    choose_trainable(network, "full", seed=0)
    set_dropout(network.encoder, 0.0)
    shape = shape_of(tiny_model, width=32, layers=2, bytes=4)
    assert shape == Shape(width=32, layers=2, heads=2, bytes=4)
    for on, formula in ((False, shape.training(64, 48)), (True, shape.checkpointed(64, 48))):
        _, counted = gradients(network, on)
        assert 0.7 * formula < counted < 1.6 * formula, (on, formula, counted)


def test_switched_off_nothing_is_left_of_it(network):
    blocks = blocks_of(network)
    assert len(blocks) == 2
    assert set_checkpointing(network.encoder, True) and all("forward" in block.__dict__ for block in blocks)
    assert not set_checkpointing(network.encoder, False)
    assert not any("forward" in block.__dict__ for block in blocks)


def test_without_blocks_it_stays_off():
    assert not set_checkpointing(None, True)
    assert not set_checkpointing(torch.nn.Sequential(torch.nn.Linear(2, 2)), True)


def test_blocks_under_lora_are_found_and_merging_is_not_disturbed(network):
    choose_trainable(network, "lora", seed=0)
    assert len(blocks_of(network)) == 2
    network.eval()
    before = network([(IDS[:2], None)], None)
    set_checkpointing(network.encoder, True)
    set_checkpointing(network.encoder, False)
    merge_lora(network)
    torch.testing.assert_close(network([(IDS[:2], None)], None), before, rtol=1e-4, atol=1e-5)
