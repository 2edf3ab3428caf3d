"""Followers in processes of their own; the test's process leads them."""

import os
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import torch

from tunewright.models.backbone import load_folder, locate
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
from tunewright.training.parallel.crew import Crew
from tunewright.training.parallel.spec import Spec
from tunewright.training.recipe import Recipe

CPU = torch.device("cpu")
WIDTH, MAX_ROWS, TRAINED, HELD = 32, 160, 60, 40
TASK = Classification(labels=("a", "b", "c"))
START = Epoch(epoch=0, train_loss=1.1, validation_loss=1.1, metric=0.0, seconds=0.0)
FOLLOWER = """
import os, sys
from datetime import timedelta
import torch
from torch.distributed import TCPStore
from tunewright.training.parallel.follower import follow
import transformers.models.bert.modeling_bert
torch.set_num_threads(1)
port, rank, world, patience, signalled = map(int, sys.argv[1:])
asked = 0
def stop():
    global asked
    asked += 1
    return 15 if signalled and asked > signalled else None
store = TCPStore("127.0.0.1", port, is_master=False)
store.set(f"ready/{rank}", "")
follow(store, rank, world, observe=lambda event: None, stop=stop, patience=timedelta(seconds=patience))
"""


@dataclass
class Led:
    """A crew and its followers' processes."""

    crew: Crew
    processes: list
    spec: Spec
    codes: list = field(default_factory=list)

    def encoder(self, **options):
        return self.crew.encoder(options.pop("spec", self.spec), width=WIDTH, **options)


@contextmanager
def lead_followers(folder, *, world=2, patience=120, signalled=0, clean=True):
    """A crew of `world` ranks; `signalled`: each follower has a signal from that update on."""
    from torch.distributed import TCPStore

    store = TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False)
    processes = [
        subprocess.Popen(
            [sys.executable, "-W", "error", "-c", FOLLOWER, *map(str, (store.port, r, world, patience, signalled))],
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for r in range(1, world)
    ]
    spec = Spec(backbone=str(folder), digest=locate(str(folder)).digest, pooling="mean", precision="float32")
    led = Led(Crew(store, world, timedelta(seconds=patience)), processes, spec)
    try:
        store.wait([f"ready/{rank}" for rank in range(1, world)], timedelta(seconds=100))
        yield led
        led.crew.close()
        said = [process.communicate(timeout=30)[0] for process in processes]
        led.codes = [process.returncode for process in processes]
        if clean:
            assert led.codes == [0] * (world - 1), said
            assert not any(said), said
    finally:
        for process in processes:
            process.kill()
            process.wait()
            process.stdout.close()
        if torch.distributed.is_initialized():
            torch.distributed.destroy_process_group()


@pytest.fixture(scope="session")
def lead():
    return lead_followers


@pytest.fixture(scope="module")
def two(tiny_model):
    """Two ranks that a whole file of tests shares."""
    with lead_followers(tiny_model) as led:
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
