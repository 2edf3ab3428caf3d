"""Running means of the weights against explicit sums over the weights that they take in."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from tunewright.models.heads import LinearHead
from tunewright.models.network import Network
from tunewright.records import Epoch
from tunewright.training import averaging as module
from tunewright.training.averaging import Average, Averaging
from tunewright.training.flat import FlatOptimizer, groups_of
from tunewright.training.recipe import Recipe
from tunewright.training.state import LoopState


class Body(nn.Module):
    def __init__(self):
        super().__init__()
        self.map = nn.Linear(5, 5)

    def forward(self, x, mask):
        return self.map(x)


def make(precision=torch.float32):
    torch.manual_seed(0)
    network = Network(Body(), LinearHead(5, 2, 0.0)).to(precision)
    groups = groups_of(network, head=network.head, head_learning_rate=1.0)
    return network, FlatOptimizer(groups, learning_rate=0.1, weight_decay=0.0, clip=1e9)


def recipe(**changes):
    return Recipe(**{"epochs": 9, "batch_rows": 8, "batch_tokens": 64, "learning_rate": 0.1} | changes)


def masters(flat):
    return np.concatenate([one.master.numpy().astype(np.float64) for one in flat.flat])


def held(average):
    return np.concatenate([buffer.numpy().astype(np.float64) for buffer in average.buffers])


def move(flat, step):
    """Weights that jump about, and no step of an optimiser."""
    rng = torch.Generator().manual_seed(step)
    for one in flat.flat:
        one.master.copy_(torch.randn(one.master.shape, generator=rng))
        one.work.copy_(one.master)


@settings(max_examples=30, deadline=None)
@given(st.floats(0.01, 0.999), st.integers(1, 40))
def test_a_moving_average_is_the_sum_with_the_weights_of_its_definition(decay, updates):
    _, flat = make()
    averaging, state, taken = Averaging(recipe(averaging="ema", ema_decay=decay), flat), LoopState(), []
    for step in range(updates):
        move(flat, step)
        taken.append(masters(flat))
        averaging.after_update(state)
    counts = []
    for step in range(updates):
        left = min(decay, step / (step + 1))  # of what was there before this update
        counts = [left * one for one in counts] + [1 - left]
    assert sum(counts) == pytest.approx(1)
    np.testing.assert_allclose(held(averaging.average), np.tensordot(counts, taken, 1), atol=1e-5)
    assert state.averaged == updates
    if updates <= 1 / (1 - decay):  # young, it is the plain mean
        np.testing.assert_allclose(held(averaging.average), np.mean(taken, 0), atol=1e-5)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=9))
def test_the_mean_of_epochs_starts_anew_where_an_epoch_beats_it(metrics):
    """(an epoch's own metric, that of the mean which holds it): the reference keeps every epoch's weights."""
    _, flat = make()
    averaging, state = Averaging(recipe(averaging="epochs"), flat), LoopState(best=-1.0)
    kept, members = [], []
    for number, (own, mean) in enumerate(metrics, 1):
        move(flat, number)
        members.append(masters(flat))
        state.epoch = number
        state.history.append(Epoch(epoch=number, train_loss=0, validation_loss=0, metric=own, seconds=0))
        before, judged = state.best, len(members) > 1

        def keep(metric, number=number):
            kept.append(number)
            state.best = metric

        found = averaging.close(state, score=lambda mean=mean: float(mean), keep=keep)
        assert found == (mean if judged else None)
        assert (number in kept) == (judged and mean > before)
        if judged and own > mean:
            members = members[-1:]
        np.testing.assert_allclose(held(averaging.average), np.mean(members, 0), atol=1e-6)
        assert state.averaged == len(members) == averaging.held(state)


@pytest.mark.parametrize("stop, last, expected", [(4, 2, (3, 4)), (4, 1, (4,)), (3, 9, (1, 2, 3)), (1, 1, (1,))])
def test_a_settled_mean_is_of_the_last_epochs(stop, last, expected):
    network, flat = make()
    averaging = Averaging.of(recipe(averaging="epochs", stop_after=stop, stop_average=last), flat)
    state, taken, kept = LoopState(), {}, []
    for number in range(1, stop + 1):
        move(flat, number)
        taken[number] = masters(flat)
        state.epoch = number
        weights = lambda metric: kept.append([p.detach().clone() for p in network.parameters()])  # noqa: E731
        assert averaging.close(state, score=lambda: pytest.fail("nothing to judge by"), keep=weights) is None
    assert len(kept) == 1 and averaging.held(state) == len(expected)
    np.testing.assert_allclose(held(averaging.average), np.mean([taken[one] for one in expected], 0), atol=1e-6)
    assert sum(float(p.double().sum()) for p in kept[0]) == pytest.approx(held(averaging.average).sum(), abs=1e-4)


def test_a_settled_recipe_that_kept_an_epoch_averages_nothing():
    _, flat = make()
    assert Averaging.of(recipe(averaging="ema", stop_after=2), flat) is None
    assert Averaging.of(recipe(), flat) is None
    assert Averaging.of(recipe(averaging="ema"), flat) is not None


def test_without_an_update_there_is_no_average():
    _, flat = make()
    averaging, state = Averaging(recipe(averaging="ema"), flat), LoopState(epoch=1)
    assert averaging.close(state, score=lambda: pytest.fail("judged"), keep=lambda metric: pytest.fail("kept")) is None


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("chunk", [7, 1 << 18])
def test_the_average_changes_places_with_the_weights_and_back_to_the_bit(precision, chunk, monkeypatch):
    monkeypatch.setattr(module, "CHUNK", chunk)
    network, flat = make(precision)
    average = Average(flat)
    for step, share in enumerate((1.0, 0.5, 1 / 3)):
        move(flat, step)
        average.take(share)
    weights = [p.detach().clone() for p in network.parameters()]
    mean = [buffer.clone() for buffer in average.buffers]
    with pytest.raises(RuntimeError, match="inside"), average.in_network():
        inside = [one.work.clone() for one in flat.flat]
        assert all(torch.equal(a, b.to(precision)) for a, b in zip(inside, mean, strict=True))
        assert not torch.equal(network.head.linear.weight, weights[-2])
        raise RuntimeError("inside")
    assert all(torch.equal(a, b) for a, b in zip(weights, network.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b in zip(mean, average.buffers, strict=True))
    assert all(torch.equal(one.work, one.master.to(precision)) for one in flat.flat)


@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_it_takes_four_bytes_a_weight_that_trains(precision):
    network, flat = make(precision)
    network.encoder.map.bias.requires_grad_(False)
    flat = FlatOptimizer(
        groups_of(network, head=network.head, head_learning_rate=1.0), learning_rate=0.1, weight_decay=0.0, clip=1.0
    )
    size = sum(p.numel() for p in network.parameters() if p.requires_grad)
    assert (
        sum(buffer.nbytes for buffer in Average(flat).buffers)
        == 4 * size
        < 4 * sum(p.numel() for p in network.parameters())
    )


def test_the_mean_of_weights_that_stand_still_is_exactly_they():
    _, flat = make()
    average = Average(flat)
    for step in range(1, 50):
        average.take(1 / step)
    assert all(torch.equal(buffer, one.master) for buffer, one in zip(average.buffers, flat.flat, strict=True))
