import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.errors import DataError, PlanError
from tunewright.metrics import Outcome, difference, names_for, score, scores
from tunewright.stats import mcnemar, wilson


def binary(truth, labels, probabilities=None, **more):
    return Outcome(
        task="binary",
        truth=np.asarray(truth, dtype=int),
        labels=np.asarray(labels, dtype=int),
        probabilities=None if probabilities is None else np.stack([1 - probabilities, probabilities], axis=1),
        classes=2,
        **more,
    )


def multiclass(seed, n, k, skill=2.0, unseen=0.0):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    logits = rng.normal(size=(n, k))
    logits[np.arange(n), truth] += skill
    odds = np.exp(logits)
    probabilities = (odds / odds.sum(axis=1, keepdims=True)).astype(np.float32)
    truth = np.where(rng.random(n) < unseen, -1, truth)
    labels = probabilities.argmax(axis=1)
    return Outcome(task="multiclass", truth=truth, labels=labels, probabilities=probabilities, classes=k)


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression"])
@given(seed=st.integers(0, 10**6), n=st.integers(1, 12), how=st.sampled_from(["random", "constant", "perfect"]))
@settings(max_examples=25, deadline=None)
def test_scores_are_finite_and_ordered_whatever_the_outcome(task, seed, n, how):
    rng = np.random.default_rng(seed)
    k = {"binary": 2, "multiclass": 3, "multilabel": 3, "regression": 0}[task]
    if task == "regression":
        truth = rng.integers(0, 3, n).astype(float)
        labels = {"random": rng.normal(size=n), "constant": np.zeros(n), "perfect": truth}[how]
        outcome = Outcome(task=task, truth=truth, labels=labels)
    else:
        truth = rng.integers(0, 2, (n, k)) if task == "multilabel" else rng.integers(-1, k, n)
        fitting = np.maximum(truth, 0)
        labels = {"random": rng.permutation(fitting), "constant": 0 * fitting, "perfect": fitting}[how]
        probabilities = rng.choice([0.0, 0.25, 0.5, 1.0], size=(n, k))
        outcome = Outcome(task=task, truth=truth, labels=labels, probabilities=probabilities, classes=k)
    found = scores(outcome, rounds=50)
    assert set(found) <= set(names_for(task))
    for name, entry in found.items():
        assert np.isfinite([entry.value, entry.low, entry.high]).all(), name
        assert entry.low <= entry.value <= entry.high, name
        assert type(entry.value) is type(entry.low) is type(entry.high) is float and 1 <= entry.n <= n, name


def test_everything_of_the_task_is_scored():
    assert tuple(scores(multiclass(0, 60, 3), rounds=100)) == names_for("multiclass")
    truth = np.random.default_rng(0).normal(size=30)
    assert tuple(scores(Outcome(task="regression", truth=truth, labels=truth + 0.1), rounds=100)) == names_for(
        "regression"
    )


def test_one_score_is_the_same_alone_and_among_all():
    outcome = multiclass(0, 80, 3)
    everything = scores(outcome, seed=3)
    assert score("macro_f1", outcome, seed=3) == everything["f1_macro"]
    assert score("f1_macro", outcome, seed=4) != everything["f1_macro"]


def test_accuracy_has_wilsons_interval():
    outcome = multiclass(1, 100, 4)
    right = int((outcome.truth == outcome.labels).sum())
    assert score("accuracy", outcome) == wilson(right, 100)


def test_the_bootstrap_interval_of_recall_is_the_wilson_interval_of_its_class():
    rng = np.random.default_rng(0)
    truth = np.repeat([0, 1], 400)
    outcome = binary(truth, np.where(rng.random(800) < 0.85, truth, 1 - truth))
    found = score("recall", outcome, rounds=4000)
    expected = wilson(int(outcome.labels[400:].sum()), 400)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), abs=0.006)


def test_a_few_rows_without_error_are_no_proof():
    truth = np.array([0, 1, 0, 1, 0, 1])
    outcome = binary(truth, truth, truth * 0.8 + 0.1)
    for name in ("f1_macro", "balanced_accuracy", "f1", "precision", "recall", "roc_auc", "average_precision"):
        found = score(name, outcome)
        assert found.value == found.high == pytest.approx(1.0), name
        assert found.low < 0.8, name
    assert score("matthews_corrcoef", outcome).low < 0.3
    assert score("balanced_accuracy", outcome).low == pytest.approx(score("accuracy", outcome).low)
    rare = binary(np.arange(500) < 3, np.arange(500) < 3)
    assert score("f1", rare).low < 0.7


@pytest.mark.parametrize("name", ["f1_macro", "roc_auc", "balanced_accuracy", "log_loss", "matthews_corrcoef"])
def test_intervals_cover(name):
    population = multiclass(99, 40_000, 3, skill=1.5)
    target = score(name, population, rounds=2).value
    covered = sum(
        found.low <= target <= found.high
        for found in (score(name, multiclass(s, 90, 3, skill=1.5), rounds=200) for s in range(200))
    )
    assert 0.90 <= covered / 200 <= 0.99


def test_the_calibration_error_of_a_calibrated_model_reaches_down_to_nothing():
    reached = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        chance = rng.random(400)
        outcome = binary(rng.random(400) < chance, chance > 0.5, chance)
        found = score("ece", outcome, rounds=300)
        assert found.value > 0.01
        reached += found.low < found.value / 2
    assert reached >= 30  # uncorrected resamples: none


def test_labels_unseen_in_training_are_wrong_and_not_asked_of_probabilities():
    outcome = multiclass(2, 200, 3, unseen=0.2)
    known = outcome.truth >= 0
    found = scores(outcome, rounds=100)
    assert found["accuracy"].value == pytest.approx((outcome.truth == outcome.labels).mean())
    assert found["accuracy"].n == 200
    kept = Outcome(
        task="multiclass",
        truth=outcome.truth[known],
        labels=outcome.labels[known],
        probabilities=outcome.probabilities[known],
        classes=3,
    )
    for name in ("log_loss", "brier", "ece", "roc_auc"):
        assert found[name].n == known.sum()
        assert found[name].value == pytest.approx(score(name, kept, rounds=100).value)
    nothing = Outcome(
        task="multiclass",
        truth=np.full(4, -1),
        labels=np.zeros(4, int),
        probabilities=np.full((4, 3), 1 / 3),
        classes=3,
    )
    found = scores(nothing, rounds=20)
    assert found["accuracy"].value == 0 and not {"log_loss", "brier", "ece", "roc_auc"} & set(found)


def test_undefined_is_none_not_a_number():
    one_class = binary([1, 1, 1], [1, 0, 1], np.array([0.9, 0.2, 0.7]))
    assert score("roc_auc", one_class) is None
    assert score("recall", binary([0, 0], [0, 1])) is None
    assert score("precision", binary([0, 1], [0, 0])) is None
    assert score("log_loss", binary([0, 1], [0, 1])) is None
    constant = Outcome(task="regression", truth=np.array([2.0] * 5), labels=np.arange(5.0))
    assert set(scores(constant)) == {"mean_absolute_error", "root_mean_squared_error"}
    single = Outcome(task="regression", truth=np.array([2.0]), labels=np.array([1.0]))
    assert scores(single) == {}


def test_a_metric_of_another_task_is_refused_with_those_that_fit():
    with pytest.raises(PlanError, match="Choose one of: r2"):
        score("accuracy", Outcome(task="regression", truth=np.ones(2), labels=np.ones(2)))


def test_difference_is_paired_and_signed():
    truth = np.random.default_rng(0).integers(0, 2, 400)
    chance = np.random.default_rng(1).random(400)
    good = np.where(chance < 0.95, truth, 1 - truth)
    bad = np.where(chance < 0.90, truth, 1 - truth)
    a = binary(truth, good, np.where(good == 1, 0.9, 0.1))
    b = binary(truth, bad, np.where(bad == 1, 0.9, 0.1))
    for name in ("accuracy", "f1_macro", "matthews_corrcoef", "log_loss", "brier"):
        forth, back = difference(name, a, b, names=("tuned", "probe")), difference(name, b, a)
        assert (forth.a, forth.b, forth.metric) == ("tuned", "probe", name)
        assert (forth.verdict, back.verdict) == ("better", "worse")
        assert forth.difference.low > 0 > back.difference.high
        assert forth.difference.value == pytest.approx(-back.difference.value)
        assert forth.p_value < 0.01
    accuracy = difference("accuracy", a, b)
    assert accuracy.difference.value == pytest.approx((good == truth).mean() - (bad == truth).mean())
    assert accuracy.p_value == pytest.approx(mcnemar(good == truth, bad == truth))
    # Errors of one are errors of the other too: the pair is far surer than two intervals side by side.
    assert accuracy.difference.low > score("accuracy", a).low - score("accuracy", b).high + 0.02


def test_five_differing_rows_are_no_evidence_and_six_are():
    truth = np.zeros(40, dtype=int)
    for differing, verdict in ((5, "no evidence"), (6, "better")):
        wrong = np.where(np.arange(40) < differing, 1, 0)
        assert difference("accuracy", binary(truth, truth), binary(truth, wrong)).verdict == verdict


def test_a_model_does_not_differ_from_itself():
    outcome = multiclass(0, 100, 3)
    for name in names_for("multiclass"):
        found = difference(name, outcome, outcome, rounds=100)
        assert (found.difference.low, found.difference.value, found.difference.high) == (0, 0, 0)
        assert (found.p_value, found.verdict) == (1.0, "no evidence")


def test_no_evidence_between_equals_is_the_usual_answer():
    rng = np.random.default_rng(0)
    claims = 0
    for s in range(120):
        truth = rng.integers(0, 2, 150)
        said = [np.where(rng.random(150) < 0.8, truth, 1 - truth) for _ in range(2)]
        claims += difference("f1_macro", *(binary(truth, x) for x in said), seed=s, rounds=300).verdict != "no evidence"
    assert claims / 120 <= 0.12


def test_difference_refuses_other_rows_and_undefined_metrics():
    a, b = binary([0, 1], [0, 1]), binary([1, 0], [0, 1])
    with pytest.raises(DataError, match="same rows"):
        difference("accuracy", a, b)
    with pytest.raises(DataError, match="defined for both"):
        difference("roc_auc", a, a)


def test_every_metric_of_150_classes_takes_seconds():
    outcome = multiclass(0, 5000, 150, skill=6.0)
    score("roc_auc", multiclass(0, 20, 3), rounds=2)  # imports
    started = time.perf_counter()
    assert len(scores(outcome)) == len(names_for("multiclass"))
    assert time.perf_counter() - started < 8.0  # 2 s on an idle machine; two cores are shared
