"""What labels allow: against flips of a known share."""

from dataclasses import replace

import numpy as np
import pytest

from tunewright.analysis.ceiling import _text, ceiling
from tunewright.learning.crossfit import Learned
from tunewright.records import Score


def learned(flipped, n=2000, classes=4, seed=0):
    """Out-of-fold answers of a fit that knows the task, and labels of which a share is another one."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes)) * 0.7
    logits[np.arange(n), truth] += 4
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    given = np.where(rng.random(n) < flipped, (truth + rng.integers(1, classes, n)) % classes, truth)
    return Learned(
        rows=np.arange(n),
        features=np.zeros((n, 1), np.float32),
        width=0,
        targets=given,
        labels=tuple("abcd"),
        probabilities=probabilities,
        folds=np.arange(n) % 5,
        clusters=np.arange(n),
    )


@pytest.mark.parametrize("flipped", [0.0, 0.03, 0.1])
def test_flips_of_a_known_share_are_counted(flipped):
    found = ceiling(learned(flipped))
    assert found.value.value == pytest.approx(1 - flipped, abs=0.012)
    assert found.value.low <= 1 - flipped + 0.005 and found.value.high >= 1 - flipped - 0.005
    assert found.value.low < found.value.value <= found.value.high


def test_it_speaks_of_rows_that_were_held_out_only():
    known = learned(0.1)
    folds = np.where(np.arange(2000) < 500, -1, known.folds)
    assert ceiling(replace(known, folds=folds)).value.n == 1500


def test_other_tasks_and_few_rows_have_none():
    known = learned(0.1)
    assert ceiling(None) is None
    assert ceiling(replace(known, labels=())) is None
    assert ceiling(known.among(np.arange(40))) is None


def test_without_a_doubtful_label_no_accuracy_is_called_luck():
    found = ceiling(learned(0.0))
    assert found.value.value == 1.0 and found.text.startswith("No label is likely wrong")
    assert "luck" not in found.text and "About" not in found.text
    few = _text(Score(value=0.9997, low=0.98, high=0.9999, n=3000))
    assert few.startswith("Hardly a label is likely wrong, by what similar rows have (2.0 % at most)")
    assert ceiling(learned(0.1)).text.startswith("About ") and "luck" in ceiling(learned(0.1)).text
