"""The loss of a batch against a plain loop over its rows."""

import numpy as np
import pytest
import torch

from tunewright.models.heads import make_head
from tunewright.models.inputs import Inputs
from tunewright.models.network import Network
from tunewright.tasks import Classification, Multilabel, Regression
from tunewright.training.augment import Pairs
from tunewright.training.batch_loss import batch_loss
from tunewright.training.labelled import Labelled

CPU = torch.device("cpu")
RNG = np.random.default_rng(0)
DENSE = RNG.normal(size=(9, 4)).astype(np.float32)
TASKS = {
    "classes": (Classification(labels=("a", "b", "c")), RNG.integers(0, 3, 9)),
    "labels": (Multilabel(labels=("a", "b", "c")), RNG.integers(0, 2, (9, 3)).astype(np.float32)),
    "values": (Regression(mean=0.0, scale=1.0, log=False, low=-3.0, high=3.0), RNG.normal(size=9).astype(np.float32)),
}


def make(kind, weights):
    task, targets = TASKS[kind]
    torch.manual_seed(0)
    network = Network(None, make_head("linear", inputs=4, outputs=task.outputs, dropout=0.0))
    return network, task, Labelled(Inputs((), DENSE), targets, weights)


@pytest.mark.parametrize("weights", [None, RNG.random(9).astype(np.float32)], ids=["alike", "weighted"])
@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("mixed", [False, True])
def test_it_is_the_loop_over_rows(kind, weights, mixed):
    network, task, training = make(kind, weights)
    rows = np.array([7, 2, 5, 0])
    pairs = Pairs(np.array([2, 0, 1, 3]), np.array([0.9, 0.25, 0.5, 0.1], np.float32)) if mixed else None
    found = batch_loss(network, training, rows, loss=task.loss, device=CPU, pairs=pairs)
    total, counted = 0.0, 0.0
    for place, row in enumerate(rows):
        other, share = (rows[pairs.partner[place]], float(pairs.share[place])) if mixed else (row, 1.0)
        x = torch.from_numpy(share * DENSE[row] + (1 - share) * DENSE[other])[None]
        for one, part in ((row, share), (other, 1 - share)):
            weight = part * (1.0 if weights is None else float(weights[one]))
            total += weight * float(task.loss(network.head(x), torch.from_numpy(training.targets[[one]])).item())
            counted += weight
    assert found.item() == pytest.approx(total / counted, rel=1e-5)


def test_a_share_of_one_is_the_row_itself():
    network, task, training = make("classes", None)
    rows = np.arange(4)
    pairs = Pairs(np.array([3, 2, 1, 0]), np.ones(4, np.float32))
    mixed, plain = (batch_loss(network, training, rows, loss=task.loss, device=CPU, pairs=p) for p in (pairs, None))
    assert mixed.item() == pytest.approx(plain.item(), rel=1e-6)


def test_the_epochs_inputs_are_those_that_count():
    network, task, training = make("classes", None)
    other = Inputs((), DENSE + 1)
    found = [
        batch_loss(network, training, np.arange(4), loss=task.loss, device=CPU, inputs=inputs).item()
        for inputs in (None, training.inputs, other)
    ]
    assert found[0] == found[1] != found[2]


@pytest.mark.parametrize("weights", [None, RNG.random(9).astype(np.float32)], ids=["alike", "weighted"])
@pytest.mark.parametrize("kind", TASKS)
@pytest.mark.parametrize("mixed", [False, True])
def test_parts_add_up_to_the_batch(kind, weights, mixed):
    network, task, training = make(kind, weights)
    rows = np.array([7, 2, 5, 0, 8])
    pairs = None
    if mixed:
        pairs = Pairs(np.array([2, 4, 1, 3, 0]), np.array([0.9, 0.25, 0.5, 0.1, 0.7], np.float32))

    def compute(parts):
        network.zero_grad()
        found = [
            batch_loss(network, training, rows, loss=task.loss, device=CPU, pairs=pairs, part=part) for part in parts
        ]
        total = sum(found)
        total.backward()
        return total.item(), network.head.linear.weight.grad.clone()

    whole = compute([None])
    for parts in ([np.arange(5)], [np.array([0, 1]), np.array([2, 3, 4])], [np.array([i]) for i in range(5)]):
        value, gradient = compute(parts)
        assert value == pytest.approx(whole[0], rel=1e-5)
        torch.testing.assert_close(gradient, whole[1], rtol=1e-4, atol=1e-6)
