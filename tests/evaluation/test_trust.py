"""What confidence is worth, against models whose confidence is known: honest, too sure, and random."""

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from tunewright.evaluation.trust import measure_trust
from tunewright.learning.decisions import fit_decision
from tunewright.records import Trust, from_json, to_json
from tunewright.tasks import Classification, Decision, Multilabel, Regression, label_sets

BINARY = Classification(labels=("no", "yes"), positive="yes")
MANY = Classification(labels=tuple("abcde"))


def honest(rows, k, seed, *, sure=1.0):
    """Logits whose softmax is the truth's own distribution; `sure` blows them up."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(rows, k)) * 2
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    truth = (p.cumsum(1) > rng.random((rows, 1))).argmax(1)
    return (logits * sure).astype(np.float32), truth


def trust_of(task, *, sure=1.0, rows=4000, metric="accuracy"):
    k = len(task.labels)
    validation, test = honest(rows, k, 0, sure=sure), honest(rows, k, 1, sure=sure)
    decision = fit_decision(task, *validation, metric)
    return measure_trust(task, decision, validation, test), decision


@pytest.mark.parametrize("task", [BINARY, MANY])
def test_temperature_mends_a_model_that_is_too_sure(task):
    trust, decision = trust_of(task, sure=4.0)
    before, after = trust.calibration.ece
    assert decision.temperature == pytest.approx(4.0, rel=0.1)
    assert after.high < before.low
    assert trust.calibration.brier[1].value < trust.calibration.brier[0].value
    assert after.value < 0.03
    within = [one.right.low - 0.02 <= one.confidence <= one.right.high + 0.02 for one in trust.calibration.bins]
    assert sum(one.right.n for one in trust.calibration.bins) == 4000
    assert np.mean(within) >= 0.9


def test_an_honest_model_is_left_as_it_is():
    trust, decision = trust_of(MANY)
    assert decision.temperature == pytest.approx(1.0, abs=0.1)
    assert trust.calibration.ece[1].value == pytest.approx(trust.calibration.ece[0].value, abs=0.02)


@pytest.mark.parametrize("task", [BINARY, MANY])
def test_who_answers_less_is_right_more_often(task):
    trust, _ = trust_of(task)
    shares = [one.share.value for one in trust.abstention]
    rights = [one.right.value for one in trust.abstention]
    assert shares == sorted(shares, reverse=True)
    assert rights == sorted(rights)
    for one in trust.abstention:
        assert one.share.value == pytest.approx(one.wanted, abs=0.03)
    assert trust.coverage.x[-1] == 1.0
    assert trust.coverage.y[-1] < trust.coverage.y[0]
    assert len(trust.coverage.x) <= 200


@pytest.mark.parametrize("task", [BINARY, MANY])
@pytest.mark.parametrize("sure", [1.0, 4.0])
def test_sets_hold_the_truth_as_often_as_promised(task, sure):
    covered = []
    for seed in range(20):
        validation, test = (honest(500, len(task.labels), 100 * seed + part, sure=sure) for part in (0, 1))
        promise = measure_trust(task, fit_decision(task, *validation, "accuracy"), validation, test).promise
        covered.append(promise.covered.value)
    # Both parts of 500 vary; the mean over studies has a standard error below half a point.
    assert np.mean(covered) == pytest.approx(0.9, abs=0.015) or np.mean(covered) > 0.9


def test_a_set_always_holds_the_answer():
    p = np.array([[0.4, 0.35, 0.25]])
    assert label_sets(p, np.array([2]), 0.9).tolist() == [[False, False, True]]
    assert label_sets(p, np.array([0]), 0.0).all()


def test_curves_have_the_area_of_scikit_learns_scores():
    trust, _ = trust_of(BINARY, metric="f1_macro")
    outputs, truth = honest(4000, 2, 1)
    said = outputs[:, 1] - outputs[:, 0]
    roc, ranked = trust.roc, trust.precision_recall
    assert np.trapezoid(roc.y, roc.x) == pytest.approx(roc_auc_score(truth, said), abs=0.005)
    assert np.trapezoid(ranked.y, ranked.x) == pytest.approx(average_precision_score(truth, said), abs=0.01)


def test_intervals_of_a_regression_cover_what_they_promise():
    task = Regression(mean=0.0, scale=1.0, log=False, low=-1e9, high=1e9)
    rng = np.random.default_rng(0)
    parts = []
    for _ in range(2):
        truth = rng.normal(size=3000)
        parts.append(((truth + rng.standard_t(3, 3000))[:, None].astype(np.float32), truth))
    promise = measure_trust(task, fit_decision(task, *parts[0], "r2"), *parts).promise
    assert promise.covered.low <= 0.9 <= promise.covered.high
    assert promise.single is None


def test_several_labels_a_row_have_curves_and_few_rows_nothing():
    rng = np.random.default_rng(0)
    task = Multilabel(labels=("a", "b"))
    truth = rng.integers(0, 2, (200, 2))
    outputs = (truth * 2.0 - 1 + rng.normal(size=(200, 2))).astype(np.float32)
    trust = measure_trust(task, Decision(thresholds=(0.5, 0.5)), (outputs, truth), (outputs, truth))
    assert trust.roc is not None
    assert trust.calibration is None
    assert measure_trust(MANY, Decision(), honest(19, 5, 0), honest(100, 5, 1)) == Trust()


def test_labels_that_training_never_saw_are_left_out_and_json_keeps_all():
    validation, (outputs, truth) = honest(300, 5, 0), honest(300, 5, 1)
    unseen = truth.copy()
    unseen[:50] = -1
    decision = fit_decision(MANY, *validation, "accuracy")
    trust = measure_trust(MANY, decision, validation, (outputs, unseen))
    assert trust == measure_trust(MANY, decision, validation, (outputs[50:], truth[50:]))
    assert from_json(Trust, to_json(trust)) == trust
