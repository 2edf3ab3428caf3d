"""What is looked at after each epoch: means of the right rows, jumps of the loss."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tunewright.models.inputs import Inputs
from tunewright.training.watch import JUMP, Watch


def watch(drawn, suspects, losses):
    return Watch(
        inputs=Inputs((), np.zeros((len(losses), 1), np.float32)),
        drawn=np.array(drawn, bool),
        suspects=np.array(suspects, bool),
        losses=lambda outputs: np.array(losses),
        judge=lambda outputs: float(len(outputs)),
        constant_loss=1.0,
        hear=lambda history: None,
    )


def test_means_are_of_the_rows_they_speak_of():
    seen = watch([1, 1, 1, 0], [0, 1, 0, 1], [1.0, 2.0, 3.0, 6.0]).look(np.zeros((4, 2), np.float32))
    assert seen == {"train_metric": 3.0, "sample_loss": 2.0, "suspect_loss": 4.0, "other_loss": 2.0}


def test_without_suspects_and_with_numbers_that_are_none():
    plain = watch([1, 1], [0, 0], [1.0, math.inf])
    assert plain.look(np.zeros((2, 2), np.float32))["suspect_loss"] is None
    assert plain.look(np.zeros((2, 2), np.float32))["sample_loss"] is None
    assert plain.look(np.full((2, 2), np.nan, np.float32)) == {}


@pytest.mark.parametrize(("loss", "jumped"), [(0.5, False), (JUMP, False), (JUMP + 0.1, True), (math.nan, True)])
def test_a_jump_is_worse_than_knowing_nothing(loss, jumped):
    assert watch([1], [0], [1.0]).jumped(loss) == jumped
