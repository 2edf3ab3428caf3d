"""Texts of three classes, a network over the tiny model, and a fine-tuning of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch


@pytest.fixture(scope="session")
def text_rows(tiny_model, tiny_words):
    """90 labelled rows; each class has words of its own among common ones."""
    from tunewright.models.inputs import Inputs
    from tunewright.models.tokens import TextTokenizer

    rng = np.random.default_rng(0)
    targets = np.arange(90) % 3
    texts = [
        " ".join(rng.permutation([*rng.choice(tiny_words[t * 30 : t * 30 + 30], 3), *rng.choice(tiny_words[90:], n)]))
        for t, n in zip(targets, rng.integers(0, 9, 90), strict=True)
    ]
    return Inputs((TextTokenizer(tiny_model)(texts, 32),), np.zeros((90, 0), np.float32)), targets.astype(np.int64)


@pytest.fixture(scope="session")
def part_of(text_rows):
    """(first, last, weights=None) to labelled rows."""
    from tunewright.training.labelled import Labelled

    def part(first, last, weights=None):
        chosen = np.arange(first, last)
        return Labelled(text_rows[0].take(chosen), text_rows[1][chosen], weights)

    return part


@pytest.fixture(scope="session")
def new_network(tiny_model):
    """(method, head, dropout) to a network that is always the same; its head drops a fifth, its body `dropout`."""
    from tunewright.models.backbone import load_folder
    from tunewright.models.encoder import Encoder
    from tunewright.models.heads import make_head
    from tunewright.models.network import Network
    from tunewright.models.trainable import choose_trainable, set_dropout

    def make(method="full", head="linear", dropout=0.0, precision=torch.float32):
        torch.manual_seed(1)
        network = Network(
            Encoder(load_folder(tiny_model).to(precision), "mean"), make_head(head, inputs=32, outputs=3, dropout=0.2)
        )
        choose_trainable(network, method, seed=0)
        set_dropout(network.encoder, dropout)
        return network

    return make


@pytest.fixture(scope="session")
def fine_tuned(new_network, part_of):
    """(network, recipe changes, row weights, **surroundings) to the loop's state and the network after it."""
    from tunewright.records import Epoch
    from tunewright.tasks import Classification
    from tunewright.training.loop import Surroundings, train
    from tunewright.training.recipe import Recipe

    task = Classification(labels=("a", "b", "c"))
    start = Epoch(epoch=0, train_loss=1.1, validation_loss=1.1, metric=0.0, seconds=0.0)

    def run(network=None, recipe=(), weights=None, **around):
        network = new_network() if network is None else network
        training, validation = part_of(0, 60, weights), part_of(60, 90)
        fields = {"epochs": 2, "batch_rows": 16, "batch_tokens": 400, "learning_rate": 1e-3, "seed": 5} | dict(recipe)
        surroundings = {
            "loss": task.loss,
            "judge": lambda outputs: float((outputs.argmax(1) == validation.targets).mean()),
            "observe": lambda event: None,
            "checkpoints": None,
            "stop": lambda: None,
            "device": torch.device("cpu"),
        }
        state = train(
            network,
            training,
            validation,
            Recipe(**fields),
            start=start,
            around=Surroundings(**surroundings | around),
        )
        return state, network

    run.task = task
    return run
