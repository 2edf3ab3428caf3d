"""Columns that give nothing are chosen, those that give something stay, twins do not both go."""

import numpy as np
import pytest

from tunewright.learning.crossfit import FoldSums, one_hot
from tunewright.learning.selection import spare_columns
from tunewright.learning.trial import Arm, Ruler
from tunewright.tasks import Classification

ROWS = 600


def chosen(x, targets, **blocks):
    ruler = Ruler(
        task=Classification(labels=("a", "b")), truth=targets, metric="accuracy", clusters=np.arange(len(targets))
    )
    arm = Arm(x=x, targets=targets, weights=np.ones(len(targets)))
    sums = FoldSums.of(x, one_hot(targets, 2), ruler.split(7))
    return spare_columns(arm, ruler, penalty=0.01, sums=(sums,), blocks=blocks)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    targets = np.arange(ROWS) % 2
    signal = (targets + rng.normal(0, 0.6, ROWS))[:, None]
    other = (targets + rng.normal(0, 0.6, ROWS))[:, None]
    noise = rng.normal(size=(ROWS, 60))
    return signal, other, noise, targets


def test_noise_goes_and_signals_stay(data):
    signal, other, noise, targets = data
    x = np.concatenate([signal, noise, other], 1)
    assert chosen(x, targets, signal=slice(0, 1), noise=slice(1, 61), other=slice(61, 62)) == ("noise",)


def test_of_twins_one_stays(data):
    signal, _, noise, targets = data
    x = np.concatenate([signal, signal, noise], 1)
    gone = chosen(x, targets, one=slice(0, 1), two=slice(1, 2), noise=slice(2, 62))
    assert "noise" in gone and not {"one", "two"} <= set(gone)


def test_something_is_left_and_what_costs_too_much_is_not_tried(data, monkeypatch):
    from tunewright.learning import selection

    noise, targets = data[2], data[3]
    every = {f"c{i}": slice(i, i + 1) for i in range(60)}
    assert len(chosen(noise, targets, **every)) < 60
    monkeypatch.setattr(selection, "MOST_WORK", 1.0)
    assert chosen(noise, targets, **every) == ()
