"""Decisions: what is fitted on validation outputs recovers what was built in."""

import numpy as np
import polars as pl
import pytest
from sklearn.metrics import f1_score

from tunewright.learning.decisions import fit_decision
from tunewright.tasks import Classification, Decision, Multilabel, Regression

THREE = Classification(labels=("a", "b", "c"))
BINARY = Classification(labels=("no", "yes"), positive="yes")


@pytest.mark.parametrize("temperature", [0.4, 1.0, 3.0])
def test_temperature_recovers_a_known_scaling(temperature):
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(20_000, 3)) * 2
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    targets = (p.cumsum(1) > rng.random((20_000, 1))).argmax(1)
    decision = fit_decision(THREE, (logits * temperature).astype(np.float32), targets, "accuracy")
    assert decision.temperature == pytest.approx(temperature, rel=0.05)
    assert decision.thresholds == ()


def rare(rows, seed):
    """One in ten is positive, and the model's probabilities are calibrated: half is too proud a threshold for F1."""
    rng = np.random.default_rng(seed)
    score = rng.normal(size=rows) * 1.5 - 2.8
    targets = (rng.random(rows) < 1 / (1 + np.exp(-score))).astype(np.int64)
    return np.stack([np.zeros(rows), score], 1).astype(np.float32), targets


def test_a_threshold_for_f1_beats_one_half_on_fresh_rows():
    outputs, targets = rare(2000, 0)
    decision = fit_decision(BINARY, outputs, targets, "f1")
    fresh, fresh_targets = rare(20_000, 1)
    ours = BINARY.outcome(fresh_targets, fresh, decision)
    plain = BINARY.outcome(fresh_targets, fresh, Decision())
    assert f1_score(fresh_targets, ours.labels) > f1_score(fresh_targets, plain.labels) + 0.05
    # F1 is best near half its own optimum (Lipton et al. 2014).
    assert decision.thresholds[0] == pytest.approx(f1_score(fresh_targets, ours.labels) / 2, abs=0.08)


@pytest.mark.parametrize("metric", ["accuracy", "roc_auc", "log_loss", "brier", "average_precision", "ece"])
def test_metrics_that_need_no_threshold_get_none(metric):
    outputs, targets = rare(500, 0)
    assert fit_decision(BINARY, outputs, targets, metric).thresholds == ()


def test_labels_get_thresholds_of_their_own():
    rng = np.random.default_rng(0)
    task = Multilabel(labels=("often", "seldom", "never"))

    def make(rows):
        scores = rng.normal(size=(rows, 3)) * 1.5 + [0.0, -3.0, -9.0]
        targets = (rng.random((rows, 3)) < 1 / (1 + np.exp(-scores))).astype(np.float32)
        targets[:, 2] = 0
        return scores.astype(np.float32), targets

    outputs, targets = make(3000)
    decision = fit_decision(task, outputs, targets, "f1_macro")
    assert decision.thresholds[1] < decision.thresholds[0] < 0.5
    fresh, fresh_targets = make(10_000)

    def macro(one):
        labels = task.outcome(fresh_targets, fresh, one).labels
        return f1_score(fresh_targets[:, :2], labels[:, :2], average="macro")

    assert macro(decision) > macro(Decision()) + 0.05
    # A label without positives follows the others, not its own noise.
    shared = fit_decision(task, outputs, targets, "f1_micro").thresholds
    assert len(set(shared)) == 1


@pytest.mark.parametrize("rows", [50, 400])
def test_the_interval_covers_nine_in_ten_fresh_rows(rows):
    rng = np.random.default_rng(0)
    task = Regression(mean=10.0, scale=4.0, log=False, low=-1e9, high=1e9)
    covered = []
    for _ in range(300):
        truth = rng.normal(size=rows + 200)
        outputs = (truth + rng.standard_t(3, size=rows + 200) * 0.3).astype(np.float32)[:, None]
        width = fit_decision(task, outputs[:rows], truth[:rows], "r2").half_width
        fresh = task.outcome(truth[rows:], outputs[rows:], Decision())
        covered.append((np.abs(fresh.truth - fresh.labels) <= width).mean())
    # Coverage is ⌈0.9 (n + 1)⌉ / (n + 1) in expectation: 0.902 for both sizes.
    assert np.mean(covered) == pytest.approx(0.902, abs=0.01)


def test_a_decision_is_a_pure_function():
    outputs, targets = rare(500, 0)
    before = outputs.copy()
    assert fit_decision(BINARY, outputs, targets, "f1") == fit_decision(BINARY, outputs, targets, "f1")
    np.testing.assert_array_equal(outputs, before)
    order = np.random.default_rng(0).permutation(500)
    assert fit_decision(BINARY, outputs[order], targets[order], "f1") == fit_decision(BINARY, outputs, targets, "f1")


@pytest.mark.parametrize("rows", [30, 1000])
def test_no_mistake_on_validation_is_no_certainty(rows):
    targets = np.arange(rows) % 3
    outputs = np.eye(3, dtype=np.float32)[targets] * 2
    decision = fit_decision(THREE, outputs, targets, "accuracy")
    sure = THREE.probabilities(outputs, decision).max()
    # The rule of succession: after n right answers, about 1 / n is left for the first wrong one.
    assert 0.3 / rows < 1 - sure < 2 / rows


@pytest.mark.parametrize(("rows", "promised"), [(8, False), (9, True)])
def test_an_interval_is_promised_only_where_rows_suffice(rows, promised):
    """Of n residuals the largest covers n / (n + 1): 90 % take nine."""
    task, values = Regression.fit(pl.Series([-1.0, 1.0])), np.arange(float(rows))
    decision = fit_decision(task, values[:, None] + 0.5, values, "r2")
    assert (decision.half_width is not None) == promised
