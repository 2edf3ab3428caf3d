"""Every canary dies of its fault, and a sound network is left exactly as it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from tunewright.errors import TrainingError
from tunewright.models.backbone import load_folder
from tunewright.models.encoder import Encoder
from tunewright.models.heads import make_head
from tunewright.models.inputs import Inputs
from tunewright.models.network import Network
from tunewright.models.tokens import TextTokenizer
from tunewright.models.trainable import choose_trainable, layer_depths
from tunewright.tasks import Classification
from tunewright.training.canaries import release_canaries
from tunewright.training.flat import FlatOptimizer, groups_of
from tunewright.training.labelled import Labelled

TASK = Classification(labels=("a", "b", "c"))
CPU = torch.device("cpu")


def loss(outputs, targets):
    return TASK.loss(outputs, targets, 0.0)


@pytest.fixture(scope="module")
def rows(tiny_model, tiny_words):
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(tiny_words, n)) for n in rng.integers(1, 15, 40)]
    inputs = Inputs((TextTokenizer(tiny_model)(texts, 32),), np.zeros((40, 0), np.float32))
    return Labelled(inputs, np.arange(40) % 3)


def sound(tiny_model, method="full", precision=torch.float32):
    torch.manual_seed(1)
    encoder = Encoder(load_folder(tiny_model), "mean")
    encoder.model.to(precision)
    network = Network(encoder, make_head("linear", inputs=32, outputs=3, dropout=0.2))
    choose_trainable(network, method, seed=0)
    return network


def optimizer_of(network):
    groups = groups_of(network, head=network.head, head_learning_rate=1.0)
    return FlatOptimizer(groups, learning_rate=1e-4, weight_decay=0.01, clip=1.0)


def release(network, rows, optimizer=None, of=loss):
    release_canaries(network, optimizer or optimizer_of(network), rows, loss=of, device=CPU)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("method", ["full", "layers:1", "lora"])
def test_a_sound_network_is_left_as_it_was(tiny_model, rows, method, precision):
    network = sound(tiny_model, method, precision)
    optimizer = optimizer_of(network)
    weights = {name: value.clone() for name, value in network.state_dict().items()}
    state = {name: value.clone() for name, value in optimizer.state().items()}
    generator = torch.get_rng_state()
    release(network, rows, optimizer)
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())
    assert all(torch.equal(value, state[name]) for name, value in optimizer.state().items())
    assert all(not flat.grad.any() for flat in optimizer.flat)
    assert torch.equal(torch.get_rng_state(), generator)
    assert (optimizer.learning_rate, optimizer.weight_decay) == (1e-4, 0.01)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_layers_that_learn_slowly_are_sound(tiny_model, rows, precision):
    """At their own rate no update of the lowest layer would show in eight bits."""
    network = sound(tiny_model, precision=precision)
    groups = groups_of(network, head=network.head, head_learning_rate=1.0, depths=layer_depths(network))
    optimizer = FlatOptimizer(groups, learning_rate=1e-4, weight_decay=0.01, clip=1.0, layer_decay=1e-6)
    release(network, rows, optimizer)
    assert optimizer.layer_decay == 1e-6


@pytest.mark.parametrize("weights", [np.tile([0.2, 1.8], 20), np.tile([0.0, 2.0], 20)])
def test_weighted_rows(tiny_model, rows, weights):
    release(sound(tiny_model), Labelled(rows.inputs, rows.targets, weights.astype(np.float32)))


def test_a_backbone_that_reads_padding_dies(tiny_model, rows):
    network = sound(tiny_model)
    real = network.encoder.forward

    network.encoder.forward = lambda ids, mask: real(ids, None)
    with pytest.raises(TrainingError, match="must not depend on the other rows"):
        release(network, rows)


def test_rows_that_lean_on_each_other_die(tiny_model, rows):
    """As with statistics over the batch."""
    network = sound(tiny_model)
    real = network.head.forward
    network.head.forward = lambda x: real(x - x.mean(0))
    with pytest.raises(TrainingError, match="must not depend on the other rows"):
        release(network, rows)


def test_a_loss_that_does_not_add_up_dies(tiny_model, rows):
    with pytest.raises(TrainingError, match="mean of its rows' losses"):
        release(sound(tiny_model), rows, of=lambda outputs, targets: loss(outputs, targets) * len(targets))


def test_weights_that_no_gradient_reaches_die(tiny_model, rows):
    network = sound(tiny_model)
    network.encoder.model.spare = nn.Linear(4, 4)
    with pytest.raises(TrainingError, match=r"must move.*spare\.weight"):
        release(network, rows)


def test_weights_cut_from_their_optimiser_die(tiny_model, rows):
    """As after a `.to()` that makes new tensors: the buffers move, the network does not."""
    network = sound(tiny_model)
    optimizer = optimizer_of(network)
    for parameter in network.encoder.parameters():
        parameter.data = parameter.data.clone()
    with pytest.raises(TrainingError, match="must move"):
        release(network, rows, optimizer)


def test_frozen_weights_that_move_die(tiny_model, rows):
    network = sound(tiny_model, "layers:1")
    optimizer = optimizer_of(network)
    frozen = next(p for name, p in network.named_parameters() if not p.requires_grad and "layer.0" in name)
    real = optimizer.step

    def step(schedule):
        frozen.data.add_(0.01)
        return real(schedule)

    optimizer.step = step
    with pytest.raises(TrainingError, match="Frozen weights must not move"):
        release(network, rows, optimizer)


def test_a_loss_that_no_update_lowers_dies(tiny_model, rows):
    network = sound(tiny_model)
    with pytest.raises(TrainingError, match="learnable by heart"):
        release(network, rows, of=lambda outputs, targets: 2 + 0.01 * loss(outputs, targets))


def test_rows_that_are_all_alike_have_no_canary(tiny_model):
    inputs = Inputs((TextTokenizer(tiny_model)(["ba ko"] * 6, 32),), np.zeros((6, 0), np.float32))
    release(sound(tiny_model), Labelled(inputs, np.arange(6) % 3))
