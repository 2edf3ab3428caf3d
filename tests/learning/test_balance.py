"""Balancing, and the choices that were left to `auto`."""

import numpy as np
import pytest
from sklearn.utils.class_weight import compute_sample_weight

from tunewright.learning.balance import MOST_REPEATS, make_balance
from tunewright.tasks import Classification, Multilabel, Regression

TASK = Classification(labels=("a", "b", "c"))
TARGETS = np.repeat([0, 1, 2], [80, 16, 4])


def balance(how, metric="f1_macro", targets=TARGETS, task=TASK):
    return make_balance(how, task, targets, metric=metric, seed=3)


def test_weights_are_scikit_learns_balanced_ones():
    weights = balance("weights").weights
    np.testing.assert_allclose(weights, compute_sample_weight("balanced", TARGETS), rtol=1e-5)
    assert weights.mean() == pytest.approx(1)


def test_auto_is_the_square_root_where_the_metric_asks_and_nothing_elsewhere():
    expected = np.sqrt(compute_sample_weight("balanced", TARGETS))
    np.testing.assert_allclose(balance("auto").weights, expected / expected.mean(), rtol=1e-5)
    assert "20 times" in balance("auto").why
    for nothing in (
        balance("auto", metric="accuracy"),
        balance("auto", targets=np.repeat([0, 1, 2], [9, 6, 3])),
        balance("none"),
        balance("weights", task=Multilabel(labels=("a",))),
        balance("weights", task=Regression(mean=0.0, scale=1.0, log=False, low=0.0, high=1.0)),
    ):
        assert (nothing.rows, nothing.weights, nothing.offset) == (None, None, None)


def test_resampling_repeats_rare_rows_up_to_ten_times():
    rows = balance("resample").rows
    counts = np.bincount(TARGETS[rows])
    assert counts[0] == 80 and counts[1] == 80 and counts[2] == 4 * MOST_REPEATS
    assert set(rows.tolist()) == set(range(100))
    np.testing.assert_array_equal(rows, balance("resample").rows)


def test_uneven_repeats_are_right_on_average():
    targets = np.repeat([0, 1, 2], [500, 200, 500])
    rows = balance("resample", targets=targets).rows
    assert np.bincount(targets[rows])[1] == pytest.approx(500, rel=0.1)


def test_logit_adjustment_is_the_log_prior():
    np.testing.assert_allclose(np.exp(balance("logit_adjustment").offset), [0.8, 0.16, 0.04], rtol=1e-5)


def test_a_class_without_train_rows_does_no_harm():
    for how in ("auto", "weights", "resample", "logit_adjustment"):
        made = balance(how, targets=np.repeat([0, 1], [90, 10]))
        for array in (made.weights, made.offset):
            assert array is None or np.isfinite(array).all()
