"""A process of its own that trains once in peace and once under a limit, and prints what happened as a JSON line.

Arguments: the folder for checkpoints; what happens: `half fits`, `no row fits`, `no checkpoint fits`, or `budget`: no
limit but the plan's.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

import numpy as np
import torch

from tunewright.errors import TrainingError
from tunewright.models.encoder import Encoder
from tunewright.models.exhausted import give_back
from tunewright.models.footprint import Shape
from tunewright.models.heads import make_head
from tunewright.models.inputs import Inputs
from tunewright.models.network import Network
from tunewright.models.peak import Peak, held_now
from tunewright.models.tokens import Tokens
from tunewright.models.trainable import choose_trainable, set_dropout
from tunewright.records import Epoch
from tunewright.tasks import Classification
from tunewright.training import loop
from tunewright.training.contract import Terms
from tunewright.training.labelled import Labelled
from tunewright.training.loop import Surroundings, train
from tunewright.training.recipe import Recipe

ROWS, BATCH, LENGTH = 400, 200, 60
CPU = torch.device("cpu")
# Its feed-forward layers are twice as wide as the arithmetic takes for granted.
SHAPE = Shape(width=128, layers=2, heads=2, bytes=4)
TASK = Classification(labels=("a", "b"))
START = Epoch(epoch=0, train_loss=1.0, validation_loss=1.0, metric=-1.0, seconds=0.0)


def make_rows(count):
    ids = np.random.default_rng(0).integers(0, 100, count * LENGTH).astype(np.int32)
    tokens = Tokens(ids, np.arange(count + 1) * LENGTH, np.full(count, LENGTH))
    return Labelled(Inputs((tokens,), np.zeros((count, 0), np.float32)), (np.arange(count) % 2).astype(np.int64))


def make_network():
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=100, hidden_size=128, num_hidden_layers=2, num_attention_heads=2, intermediate_size=1024
    )
    config._attn_implementation = "eager"
    made = Network(Encoder(BertModel(config), "mean"), make_head("linear", inputs=128, outputs=2, dropout=0.1))
    choose_trainable(made, "full", seed=0)
    set_dropout(made.encoder, 0.0)
    return made


def fine_tune(network, training, *, observe=lambda event: None, checkpoints=None, terms=None):
    few = make_rows(10)
    recipe = Recipe(
        epochs=1,
        batch_rows=BATCH,
        batch_tokens=BATCH * LENGTH,
        learning_rate=1e-3,
        gradient_checkpointing=False,
    )
    around = Surroundings(
        loss=TASK.loss,
        judge=lambda outputs: float((outputs.argmax(1) == few.targets).mean()),
        observe=observe,
        checkpoints=checkpoints,
        stop=lambda: None,
        device=CPU,
        terms=terms,
    )
    return train(network, training, few, recipe, start=START, around=around)


def taken():
    import psutil

    return psutil.Process().memory_info().vms


def limit(more):
    resource.setrlimit(resource.RLIMIT_AS, (taken() + int(more), resource.RLIM_INFINITY))


def in_peace(training):
    """The network after a training without a limit, its state, and the address space that an update took."""
    network, seen = make_network(), []
    hooks = [part.register_forward_hook(lambda *given: seen.append(taken())) for part in network.modules()]
    before = taken()
    state = fine_tune(network, training)
    for hook in hooks:
        hook.remove()
    return network, state, max(seen) - before


def after_first_save(then, *, before_second=False):
    """Do something once the first checkpoint is written, or before the second one is."""
    real, written = loop.save_loop, []

    def save(*given):
        if before_second and written:
            then()
        real(*given)
        written.append(given)
        if not before_second:
            then()

    loop.save_loop = save


def main(folder, what):
    torch.set_num_threads(1)
    loop.CHECKPOINT_SECONDS = 0.0
    training, told = make_rows(ROWS), []
    calm, expected, need = in_peace(training)
    network, terms = make_network(), None
    if what == "budget":
        give_back()
        allowed = held_now(CPU) + 0.6 * need
        terms = Terms(shape=SHAPE, budget_gb=allowed / 1e9, decide=lambda make: make())
    elif what == "half fits":
        limit(0.7 * need)
    else:
        after_first_save(lambda: limit(50_000), before_second=what == "no checkpoint fits")
    try:
        with Peak(CPU) as peak:
            state = fine_tune(network, training, observe=told.append, checkpoints=folder, terms=terms)
    except TrainingError as error:
        answer = {"error": str(error)}
    else:
        pairs = zip(network.state_dict().values(), calm.state_dict().values(), strict=True)
        answer = {
            "difference": max(float((a - b).abs().max()) for a, b in pairs),
            "steps": [expected.step, state.step],
            "micro_tokens": state.micro_tokens,
            "taken": peak.taken,
        }
    resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    notes = [event.text for event in told if event.what == "note"]
    print(json.dumps({**answer, "need": need, "notes": notes}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
