"""A small problem to train on, in one process and in several."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tunewright.models.backbone import load_folder
from tunewright.models.encoder import Encoder
from tunewright.models.heads import make_head
from tunewright.models.inputs import Inputs
from tunewright.models.network import Network, joined_width
from tunewright.models.tokens import TextTokenizer
from tunewright.models.trainable import choose_trainable, set_dropout
from tunewright.records import Epoch
from tunewright.tasks import Classification
from tunewright.training.labelled import Labelled
from tunewright.training.loop import Surroundings, train
from tunewright.training.recipe import Recipe

CPU = torch.device("cpu")
WIDTH, MAX_ROWS, TRAINED, HELD = 32, 160, 60, 40
TASK = Classification(labels=("a", "b", "c"))
START = Epoch(epoch=0, train_loss=1.1, validation_loss=1.1, metric=0.0, seconds=0.0)


@pytest.fixture(scope="module")
def two(lead, tiny_model):
    """Two ranks that a whole file of tests shares."""
    with lead(tiny_model) as led:
        yield led


@dataclass
class Bench:
    """A small problem and ways to train on it."""

    folder: Path
    inputs: Inputs
    targets: np.ndarray
    weights: np.ndarray | None = None

    def labelled(self, first, last):
        rows = np.arange(first, last)
        weights = None if self.weights is None else self.weights[rows]
        return Labelled(self.inputs.take(rows), self.targets[rows], weights)

    def network(self, method="full", dropout=0.0, precision=torch.float32):
        torch.manual_seed(1)
        wide = joined_width(WIDTH, len(self.inputs.segments)) + self.inputs.dense.shape[1]
        head = make_head("linear", inputs=wide, outputs=3, dropout=0.2)
        with torch.no_grad():
            head.linear.weight.mul_(0.1)
            head.linear.bias.zero_()
        encoder = Encoder(load_folder(self.folder), "mean")
        encoder.model.to(precision)
        network = Network(encoder, head)
        choose_trainable(network, method, seed=5)
        set_dropout(network.encoder, dropout)
        return network

    def around(self, **options):
        held = self.labelled(TRAINED, TRAINED + HELD)
        return Surroundings(
            **{
                "loss": TASK.loss,
                "judge": lambda outputs: float((outputs.argmax(1) == held.targets).mean()),
                "observe": lambda event: None,
                "checkpoints": None,
                "stop": lambda: None,
                "device": CPU,
            }
            | options
        )

    def train(self, network, compute=None, rows=TRAINED, **options):
        recipe = Recipe(**{"epochs": 3, "batch_rows": 7, "batch_tokens": 200, "learning_rate": 1e-3, "seed": 5})
        recipe = replace(recipe, **options.pop("recipe", {}))
        around = self.around(**options, **({} if compute is None else {"compute": compute}))
        held = self.labelled(TRAINED, TRAINED + HELD)
        return train(network, self.labelled(0, rows), held, recipe, start=START, around=around)


@pytest.fixture(scope="session")
def bench(tiny_model, tiny_words):
    rng = np.random.default_rng(0)
    targets = np.arange(MAX_ROWS) % 3
    texts = [
        " ".join(rng.permutation([*rng.choice(tiny_words[t * 30 : t * 30 + 30], 3), *rng.choice(tiny_words[90:], n)]))
        for t, n in zip(targets, rng.integers(0, 9, MAX_ROWS), strict=True)
    ]
    tokens = TextTokenizer(tiny_model)(texts, 32)
    return Bench(tiny_model, Inputs((tokens,), np.zeros((MAX_ROWS, 0), np.float32)), targets.astype(np.int64))


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
