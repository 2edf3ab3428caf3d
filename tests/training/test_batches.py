"""Training batches and the schedule."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.training.batches import training_batches
from tunewright.training.schedule import FLOOR, schedule


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(1, 100), min_size=1, max_size=300),
    st.integers(1, 12),
    st.integers(1, 400),
    st.integers(0, 2**31),
)
def test_every_row_exactly_once_within_the_caps(lengths, rows, tokens, seed):
    lengths = np.array(lengths)
    batches = training_batches(lengths, rows=rows, tokens=tokens, seed=(seed, 1))
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for batch in batches:
        assert 1 <= len(batch) <= rows
        assert len(batch) * lengths[batch].max() <= tokens or len(batch) == 1


def test_a_pure_function_of_its_arguments_and_another_one_every_epoch():
    lengths = np.random.default_rng(0).integers(3, 40, 500)

    def batches(epoch, seed=7):
        return [b.tolist() for b in training_batches(lengths, rows=16, tokens=400, seed=(seed, epoch))]

    np.random.seed(1)
    first = batches(1)
    np.random.seed(2)
    assert batches(1) == first
    assert batches(2) != first and batches(1, seed=8) != first
    # Not only the order of batches changes: hardly any row keeps its company.
    company = [{row: frozenset(b) for b in epoch for row in b} for epoch in (first, batches(2))]
    assert sum(company[0][row] == company[1][row] for row in range(500)) < 25


def test_little_padding():
    lengths = np.random.default_rng(0).integers(3, 60, 4000)
    batches = training_batches(lengths, rows=32, tokens=4096, seed=(0, 1))
    padded = sum(len(b) * lengths[b].max() for b in batches)
    random = sum(lengths[i : i + 32].max() * 32 for i in range(0, 4000, 32))
    assert padded / lengths.sum() < 1.1 < random / lengths.sum()


@settings(max_examples=100, deadline=None)
@given(st.integers(1, 5000))
def test_the_schedule_rises_once_and_falls_to_a_tenth(total):
    shares = np.array([schedule(step, total) for step in range(total)])
    assert (shares > 0).all() and shares.max() <= 1 + 1e-12
    peak = int(shares.argmax())
    assert (np.diff(shares[: peak + 1]) > 0).all() and (np.diff(shares[peak:]) <= 0).all()
    assert peak <= max(round(0.06 * total), 1)
    assert FLOOR <= schedule(total + 50, total) <= shares[-1]
