"""Calibration against a grid and against scikit-learn."""

import numpy as np
import pytest
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression

from tunewright.learning.calibration import least_loss_temperature, platt, sigmoid, softmax


@pytest.mark.parametrize("truth", [0.05, 1.0, 40.0])
def test_the_temperature_is_the_best_of_a_fine_grid(truth):
    rng = np.random.default_rng(0)
    outputs = rng.normal(size=(4000, 5)) * truth
    right = np.array([rng.choice(5, p=row) for row in softmax(outputs / truth)])
    temperature, loss = least_loss_temperature(outputs, right)
    assert temperature == pytest.approx(truth, rel=0.1)
    grid = [
        -log_softmax(outputs / one, axis=1)[np.arange(4000), right].mean() for one in truth * np.geomspace(0.3, 3, 200)
    ]
    assert loss == pytest.approx(min(grid), abs=1e-4)


def test_temperature_of_many_rows_comes_from_some_of_them():
    outputs = np.tile([[1.0, 0.0]], (20_000, 1))
    right = (np.arange(20_000) % 4 == 3).astype(int)
    assert least_loss_temperature(outputs, right)[0] == pytest.approx(1 / np.log(3), rel=0.1)


def test_temperature_of_nothing():
    assert least_loss_temperature(np.zeros((0, 3)), np.zeros(0, int)) == (1.0, 0.0)


def test_platt_is_one_logistic_regression_per_label():
    rng = np.random.default_rng(0)
    outputs = rng.normal(size=(3000, 3)) * [0.1, 1, 5] + [0.2, 0, -3]
    truth = (rng.random((3000, 3)) < sigmoid(outputs * [20, 1, 0.5] - [5, 1, 0])).astype(float)
    slope, offset = platt(outputs, truth)
    for k in range(3):
        theirs = LogisticRegression(C=1e6, tol=1e-8).fit(outputs[:, [k]], truth[:, k])
        expected = theirs.predict_proba(outputs[:, [k]])[:, 1]
        np.testing.assert_allclose(sigmoid(outputs[:, k] * slope[k] + offset[k]), expected, atol=0.01)


@pytest.mark.parametrize("column", [np.zeros(50), np.ones(50), np.arange(50) == 3])
def test_platt_of_a_label_that_hardly_varies_stays_finite(column):
    outputs = np.random.default_rng(0).normal(size=(50, 1))
    slope, offset = platt(outputs, column[:, None].astype(float))
    p = sigmoid(outputs * slope + offset)
    assert np.isfinite(p).all() and abs(p.mean() - column.mean()) < 0.1


def test_platt_never_turns_a_fit_round():
    outputs = np.linspace(-1, 1, 100)[:, None]
    slope, _ = platt(outputs, (outputs < 0).astype(float))
    assert slope[0] == 0
