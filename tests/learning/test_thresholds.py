"""The quick choice of a threshold is the one that trying every row gives."""

import numpy as np
import pytest

from tunewright.learning.decisions import GRID, middle_of_plateau
from tunewright.learning.thresholds import fit_threshold
from tunewright.metrics import metric as metric_of
from tunewright.tasks import Classification, Decision


@pytest.mark.parametrize("metric", ["f1", "f1_macro", "balanced_accuracy", "matthews_corrcoef", "precision_macro"])
@pytest.mark.parametrize("positive", ["a", "b"])
@pytest.mark.parametrize("seed", [0, 1])
def test_it_is_what_each_threshold_by_itself_says(metric, positive, seed):
    rng = np.random.default_rng(seed)
    task = Classification(labels=("a", "b"), positive=positive)
    targets = (rng.random(300) < 0.2).astype(np.int64)
    outputs = rng.normal(size=(300, 2)).astype(np.float32)
    outputs[np.arange(300), targets] += 0.8
    values = [metric_of(metric).value(task.outcome(targets, outputs, Decision(thresholds=(t,)))) or 0.0 for t in GRID]
    assert fit_threshold(task, outputs, targets, metric).thresholds == (middle_of_plateau(np.array(values)),)


def test_what_needs_no_threshold_gets_none():
    task = Classification(labels=("a", "b"), positive="a")
    outputs, targets = np.zeros((4, 2), np.float32), np.array([0, 1, 0, -1])
    assert fit_threshold(task, outputs, targets, "accuracy") == Decision()
    assert fit_threshold(task, outputs, targets, "f1").thresholds
