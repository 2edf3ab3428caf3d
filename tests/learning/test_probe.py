"""The probe against scikit-learn and against closed forms."""

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.preprocessing import normalize

from tunewright.learning import probe as module
from tunewright.learning.probe import Probe, ProbeData, fit_logistic_probe, fit_probe, fit_ridge_probe
from tunewright.tasks import Classification, Multilabel


def classes(rows=300, width=12, k=3, seed=0):
    rng = np.random.default_rng(seed)
    centers = rng.normal(size=(k, width))
    targets = rng.integers(0, k, rows)
    return normalize(centers[targets] + rng.normal(size=(rows, width)) * 1.2), targets


@pytest.mark.parametrize("length", [1.0, 12**0.5])
@pytest.mark.parametrize("strength", [0.3, 3.0, 30.0])
def test_logistic_probe_is_scikit_learns_whatever_the_vectors_length(length, strength):
    x, targets = classes()
    task = Classification(labels=("a", "b", "c"))
    data = ProbeData((x * length).astype(np.float32), targets, None, (x * length).astype(np.float32), lambda o: 0.0)
    ours = fit_logistic_probe(data, loss=task.loss, outputs=3, strengths=(strength,))
    theirs = LogisticRegression(C=strength, tol=1e-8, max_iter=5000).fit(x, targets)
    outputs, expected = ours.outputs((x * length).astype(np.float32)), theirs.decision_function(x)
    # A softmax leaves a constant per row free.
    np.testing.assert_allclose(
        outputs - outputs.mean(1, keepdims=True), expected - expected.mean(1, keepdims=True), atol=0.02
    )
    assert (outputs.argmax(1) == theirs.predict(x)).mean() > 0.99
    assert ours.strength == strength


def test_row_weights_are_scikit_learns():
    x, targets = classes()
    weights = np.random.default_rng(1).uniform(0.2, 3, len(x))
    weights /= weights.mean()
    x = x.astype(np.float32)
    data = ProbeData(x, targets, weights.astype(np.float32), x, lambda o: 0.0)
    loss = Classification(labels=("a", "b", "c")).loss
    ours = fit_logistic_probe(data, loss=loss, outputs=3, strengths=(3.0,)).outputs(x)
    theirs = (
        LogisticRegression(C=3.0, tol=1e-8, max_iter=5000).fit(x, targets, sample_weight=weights).decision_function(x)
    )
    np.testing.assert_allclose(ours - ours.mean(1, keepdims=True), theirs, atol=0.02)


def test_the_strength_is_the_best_on_validation():
    x, targets = classes()
    fresh, fresh_targets = classes(seed=3)
    x, fresh = x.astype(np.float32), fresh.astype(np.float32)
    seen = []

    def judge(outputs):
        seen.append(float((outputs.argmax(1) == fresh_targets).mean()))
        return seen[-1]

    task = Classification(labels=("a", "b", "c"))
    probe = fit_logistic_probe(ProbeData(x, targets, None, fresh, judge), loss=task.loss, outputs=3)
    assert probe.metric == max(seen)
    assert probe.strength == module.STRENGTHS[seen.index(max(seen))]
    assert float((probe.outputs(fresh).argmax(1) == fresh_targets).mean()) == probe.metric


def test_multilabel_probe_is_one_logistic_regression_per_label():
    x, targets = classes()
    many = np.stack([targets == 0, targets >= 1], axis=1).astype(np.float32)
    x = x.astype(np.float32)
    ours = fit_logistic_probe(
        ProbeData(x, many, None, x, lambda o: 0.0), loss=Multilabel(labels=("p", "q")).loss, outputs=2, strengths=(3.0,)
    ).outputs(x)
    for k in range(2):
        theirs = LogisticRegression(C=3.0, tol=1e-8, max_iter=5000).fit(x, many[:, k]).decision_function(x)
        np.testing.assert_allclose(ours[:, k], theirs, atol=0.03)


def test_ridge_probe_is_the_closed_form():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 6)).astype(np.float32)
    y = x @ rng.normal(size=6) + 4 + rng.normal(size=80) * 0.1
    for penalty in (1e-3, 0.1, 10.0):
        for weights in (None, rng.uniform(0.2, 3, 80)):
            ours = fit_ridge_probe(ProbeData(x, y, weights, x, lambda o: 0.0), penalties=(penalty,))
            scaled = None if weights is None else weights / weights.mean()
            theirs = Ridge(alpha=penalty * 80).fit(x.astype(float), y, sample_weight=scaled)
            np.testing.assert_allclose(ours.weight[0], theirs.coef_, rtol=1e-3, atol=1e-5)
            np.testing.assert_allclose(ours.bias[0], theirs.intercept_, rtol=1e-4)


def test_ridge_picks_the_penalty_on_validation():
    rng = np.random.default_rng(0)
    x, fresh = rng.normal(size=(2, 40, 30)).astype(np.float32)
    y, fresh_y = x[:, 0] + rng.normal(size=40), fresh[:, 0] + rng.normal(size=40)
    probe = fit_ridge_probe(ProbeData(x, y, None, fresh, lambda o: -float(((o[:, 0] - fresh_y) ** 2).mean())))
    losses = {}
    for penalty in module.RIDGE:
        model = Ridge(alpha=penalty * 40).fit(x, y)
        losses[penalty] = ((model.predict(fresh) - fresh_y) ** 2).mean()
    assert probe.strength == min(losses, key=losses.get)


def test_columns_are_heard_beside_a_loud_and_empty_text_block():
    rng = np.random.default_rng(0)

    def make(rows):
        noise = rng.normal(size=(rows, 200)) * 1.0
        column = rng.normal(size=(rows, 1))
        return np.concatenate([noise, column], 1).astype(np.float32), (column[:, 0] > 0).astype(np.int64)

    (x, targets), (fresh, fresh_targets) = make(150), make(200)
    task = Classification(labels=("a", "b"), positive="b")
    data = ProbeData(x, targets, None, fresh, lambda o: float((o.argmax(1) == fresh_targets).mean()), 200)

    def fit_one(one):
        return fit_logistic_probe(one, loss=task.loss, outputs=2)

    plain, scaled = fit_one(data), fit_probe(data, fit_one)
    assert scaled.metric > max(plain.metric, 0.9)
    # Scales are folded into the weights: the probe eats the vectors as they are.
    assert float((scaled.outputs(fresh).argmax(1) == fresh_targets).mean()) == scaled.metric


def test_a_single_block_is_not_scaled():
    called = []

    def fit_one(one):
        called.append(one)
        return Probe(np.zeros((1, 2)), np.zeros(1), 1.0, 0.0)

    x = np.ones((3, 2), np.float32)
    for width in (0, 2):
        fit_probe(ProbeData(x, np.zeros(3), None, x, lambda o: 0.0, width), fit_one)
    assert len(called) == 2


def test_fitting_is_deterministic_and_leaves_its_input_alone():
    x, targets = classes()
    x = x.astype(np.float32)
    before = x.copy()
    task = Classification(labels=("a", "b", "c"))
    data = ProbeData(x, targets, None, x, lambda o: float((o.argmax(1) == targets).mean()))
    torch.manual_seed(1)
    one = fit_logistic_probe(data, loss=task.loss, outputs=3)
    torch.manual_seed(2)
    two = fit_logistic_probe(data, loss=task.loss, outputs=3)
    np.testing.assert_array_equal(one.weight, two.weight)
    np.testing.assert_array_equal(x, before)


def test_a_block_that_helps_by_less_than_its_error_is_left_out():
    """Candidates within one standard error of the best: the least scale of the block wins, or the best if none is."""
    width, gains = 1, {1.0: 0.90, 0.3: 0.89, 0.1: 0.80, 0.0: 0.79}
    x = np.ones((3, 2), np.float32)

    def fit_one(data):
        scale = min(gains, key=lambda one: abs(one - data.x_nF[0, 0]))
        return Probe(np.ones((1, 2), np.float32), np.zeros(1, np.float32), 1.0, gains[scale])

    data = ProbeData(x, np.zeros(3), None, x, lambda o: 0.0, width)
    for error, scale in ((0.0, 1.0), (0.02, 0.3), (0.5, 0.0)):
        found = fit_probe(data, fit_one, tuple(gains), error=lambda a, b, error=error: error)
        assert found.scale == scale
        assert found.weight.tolist() == [[np.float32(scale), 1.0]]
