"""Accuracy without labels: right where confidence is calibrated, and where more rows come that the model finds hard."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from tunewright.living.estimate import effective_rows, estimate, estimate_errors, importance, weighted_platt
from tunewright.metrics import Outcome


def rows(draw, count, center):
    """A number whose class is 1 with probability σ(2x); the model says σ(2x) where x > 0 and is too sure below 0."""
    x = draw.normal(center, 1.0, count)
    truth = (draw.random(count) < 1 / (1 + np.exp(-2 * x))).astype(np.int64)
    said = np.where(x > 0, 2 * x, 6 * x)
    p = 1 / (1 + np.exp(-said))
    outcome = Outcome(
        task="binary",
        truth=truth,
        labels=(p > 0.5).astype(np.int64),
        probabilities=np.stack([1 - p, p], 1),
        classes=2,
    )
    return x[:, None], outcome


@pytest.mark.parametrize("center", [0.7, -0.7])
def test_the_estimate_is_near_the_truth_under_shift(center):
    draw = np.random.default_rng(0)
    x, known = rows(draw, 1500, 0.0)
    y, new = rows(draw, 1500, center)
    found = estimate(known, new, importance(x, y, penalty=0.01), ["accuracy", "f1_macro"])
    truth = (new.labels == new.truth).mean()
    assert abs(found["accuracy"].value - truth) < 0.03
    assert found["accuracy"].low < truth < found["accuracy"].high
    assert found["accuracy"].n == 1500 and 0 < found["f1_macro"].value < 1


def test_without_shift_all_rows_count_alike():
    draw = np.random.default_rng(1)
    x, y = draw.normal(size=(400, 3)), draw.normal(size=(300, 3))
    assert effective_rows(importance(x, y)) > 350


def test_rows_like_the_new_ones_count_more():
    draw = np.random.default_rng(1)
    x, y = draw.normal(size=(400, 1)), draw.normal(2.0, 1.0, size=(300, 1))
    weights = importance(x, y, penalty=0.01)
    assert spearmanr(weights, x[:, 0]).statistic > 0.9 and weights.mean() == pytest.approx(1)


def test_platt_recovers_slope_and_offset():
    draw = np.random.default_rng(2)
    x = draw.normal(0, 2, 20_000)
    right = (draw.random(20_000) < 1 / (1 + np.exp(-(0.5 * x + 1)))).astype(float)
    assert weighted_platt(x, right, np.ones(len(x))) == pytest.approx((0.5, 1.0), abs=0.06)


def test_errors_of_a_regression_follow_the_rows_that_count():
    truth = np.r_[np.zeros(50), np.zeros(50)]
    known = Outcome(task="regression", truth=truth, labels=np.r_[np.full(50, 1.0), np.full(50, 3.0)])
    weights = np.r_[np.full(50, 0.0), np.full(50, 2.0)]
    found = estimate_errors(known, weights, 70, ["mean_absolute_error", "r2"])
    assert set(found) == {"mean_absolute_error"} and found["mean_absolute_error"].value == 3.0


def test_few_labelled_rows_give_no_estimate():
    _, known = rows(np.random.default_rng(0), 20, 0.0)
    assert estimate(known, known, np.ones(20), ["accuracy"]) == {}
