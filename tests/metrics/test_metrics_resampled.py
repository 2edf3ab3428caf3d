"""Every metric of the table, on whole outcomes and on resamples, against scikit-learn and SciPy."""

import numpy as np
import pytest
import scipy.stats
import sklearn.metrics as reference
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.metrics import METRICS, Outcome, metric, score

LABEL_METRICS = [m.name for m in METRICS if m.needs == "labels"]


def classification(seed, n, k, *, unseen=0.0, task=None, coarse=True):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, k, n)
    logits = rng.normal(size=(n, k))
    logits[np.arange(n), truth] += 1.0
    probabilities = np.exp(logits)
    if coarse:  # ties
        probabilities = np.ceil(probabilities)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    labels = probabilities.argmax(axis=1)
    truth = np.where(rng.random(n) < unseen, -1, truth)
    kind = task or ("binary" if k == 2 else "multiclass")
    return Outcome(task=kind, truth=truth, labels=labels, probabilities=probabilities, classes=k)


def multilabel(seed, n, k):
    rng = np.random.default_rng(seed)
    truth = (rng.random((n, k)) < 0.3).astype(int)
    probabilities = np.round(np.clip(truth * 0.3 + rng.random((n, k)) * 0.7, 0, 1), 1)
    labels = (probabilities > 0.5).astype(int)
    return Outcome(task="multilabel", truth=truth, labels=labels, probabilities=probabilities, classes=k)


def regression(seed, n):
    rng = np.random.default_rng(seed)
    truth = np.round(rng.normal(100, 20, n), 0)
    return Outcome(task="regression", truth=truth, labels=truth + rng.normal(3, 15, n))


def counts(seed, n, rounds=4):
    return np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=rounds).astype(np.float32)


def resampled(name, outcome, weights):
    return metric(name).resampled(outcome)(weights)


def repeated(outcome, weights):
    """The resample written out: each row as often as it was drawn."""
    rows = np.repeat(np.arange(outcome.rows), weights.astype(int))
    probabilities = None if outcome.probabilities is None else outcome.probabilities[rows]
    return Outcome(
        task=outcome.task,
        truth=outcome.truth[rows],
        labels=outcome.labels[rows],
        probabilities=probabilities,
        classes=outcome.classes,
        positive=outcome.positive,
    )


def outcome_of(task, seed, n):
    made = {
        "binary": lambda: classification(seed, n, 2, unseen=0.1),
        "multiclass": lambda: classification(seed, n, 5, unseen=0.1),
        "multilabel": lambda: multilabel(seed, n, 4),
        "regression": lambda: regression(seed, n),
    }
    return made[task]()


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel", "regression"])
@given(seed=st.integers(0, 10**6), n=st.integers(1, 40))
@settings(max_examples=25, deadline=None)
def test_a_resample_has_the_value_of_its_rows_written_out(task, seed, n):
    outcome, weights = outcome_of(task, seed, n), counts(seed, n)
    for entry in (m for m in METRICS if task in m.tasks and m.name != "spearman"):
        if entry.value(outcome) is None:
            continue
        found = resampled(entry.name, outcome, weights)
        assert found.shape == (4,)
        for value, row in zip(found, weights, strict=True):
            written = repeated(outcome, row)
            expected = entry.value(written) if entry.needs != "probabilities" or written.known.any() else None
            if expected is None:
                # By convention 0 where a one-sided metric has no denominator; otherwise undefined, or too few rows.
                assert np.isnan(value) or value == 0 or entry.name == "pearson"
            elif np.isnan(value):
                assert entry.name in ("r2", "pearson") and np.unique(written.truth).size < 3
            else:
                assert value == pytest.approx(expected, rel=2e-3, abs=2e-4), entry.name


@pytest.mark.parametrize("task", ["binary", "multiclass", "multilabel"])
@given(seed=st.integers(0, 10**6), n=st.integers(1, 200))
@settings(max_examples=25, deadline=None)
def test_the_quick_value_is_the_value(task, seed, n):
    outcome = outcome_of(task, seed, n)
    for entry in (m for m in METRICS if task in m.tasks and m.needs == "labels"):
        value = entry.value(outcome)
        assert (entry.quick(outcome) or 0) == pytest.approx(value or 0, rel=1e-6, abs=1e-9), entry.name


WEIGHTED = {
    "accuracy": lambda t, s, w: reference.accuracy_score(t, s, sample_weight=w),
    "balanced_accuracy": lambda t, s, w: reference.recall_score(
        t, s, average="macro", labels=np.unique(t), sample_weight=w
    ),
    "precision_macro": lambda t, s, w: reference.precision_score(
        t, s, average="macro", zero_division=0, sample_weight=w
    ),
    "recall_macro": lambda t, s, w: reference.recall_score(t, s, average="macro", zero_division=0, sample_weight=w),
    "f1_macro": lambda t, s, w: reference.f1_score(t, s, average="macro", zero_division=0, sample_weight=w),
    "f1_weighted": lambda t, s, w: reference.f1_score(t, s, average="weighted", zero_division=0, sample_weight=w),
    "matthews_corrcoef": lambda t, s, w: reference.matthews_corrcoef(t, s, sample_weight=w),
}


@pytest.mark.parametrize("name", WEIGHTED)
@pytest.mark.parametrize("unseen", [0.0, 0.1])
def test_weighted_label_metrics_are_scikit_learns(name, unseen):
    outcome = classification(3, 300, 4, unseen=unseen)
    weights = np.random.default_rng(1).uniform(0.5, 2.0, size=(3, 300)).astype(np.float32)
    expected = [WEIGHTED[name](outcome.truth, outcome.labels, row) for row in weights]
    assert resampled(name, outcome, weights) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["precision", "recall", "f1"])
@pytest.mark.parametrize("positive", [0, 1])
def test_one_sided_metrics_speak_of_the_positive_class(name, positive):
    made = classification(5, 200, 2)
    outcome = Outcome(task="binary", truth=made.truth, labels=made.labels, classes=2, positive=positive)
    function = getattr(reference, f"{name}_score")
    assert metric(name).value(outcome) == pytest.approx(function(made.truth, made.labels, pos_label=positive))
    weights = counts(2, 200)
    expected = [function(made.truth, made.labels, pos_label=positive, sample_weight=row) for row in weights]
    assert resampled(name, outcome, weights) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("coarse", [True, False])
@pytest.mark.parametrize("positive", [0, 1])
def test_binary_ranking_with_ties_is_scikit_learns(coarse, positive):
    made = classification(8, 250, 2, coarse=coarse)
    outcome = Outcome(
        task="binary",
        truth=made.truth,
        labels=made.labels,
        probabilities=made.probabilities,
        classes=2,
        positive=positive,
    )
    truth, score = made.truth == positive, made.probabilities[:, positive]
    weights = counts(9, 250)
    for name in ("roc_auc", "average_precision"):
        function = getattr(reference, f"{name}_score")
        assert metric(name).value(outcome) == pytest.approx(function(truth, score))
        expected = [function(truth, score, sample_weight=row) for row in weights]
        assert resampled(name, outcome, weights) == pytest.approx(expected, rel=1e-5)


def test_multiclass_area_is_one_against_the_rest():
    outcome = classification(4, 400, 5)
    expected = reference.roc_auc_score(outcome.truth, outcome.probabilities, multi_class="ovr", average="macro")
    assert metric("roc_auc").value(outcome) == pytest.approx(expected)


def test_multilabel_ranking_is_scikit_learns():
    outcome, weights = multilabel(4, 300, 5), counts(3, 300)
    for name in ("roc_auc", "average_precision"):
        function = getattr(reference, f"{name}_score")
        assert metric(name).value(outcome) == pytest.approx(function(outcome.truth, outcome.probabilities))
        expected = [function(outcome.truth, outcome.probabilities, sample_weight=row) for row in weights]
        assert resampled(name, outcome, weights) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("k", [2, 4])
def test_losses_of_probabilities_are_scikit_learns(k):
    outcome, weights = classification(6, 300, k), counts(6, 300)
    target = outcome.probabilities[:, 1] if k == 2 else outcome.probabilities
    assert metric("log_loss").value(outcome) == pytest.approx(reference.log_loss(outcome.truth, outcome.probabilities))
    assert metric("brier").value(outcome) == pytest.approx(reference.brier_score_loss(outcome.truth, target))
    losses = [reference.log_loss(outcome.truth, outcome.probabilities, sample_weight=row) for row in weights]
    assert resampled("log_loss", outcome, weights) == pytest.approx(losses, rel=1e-5)
    squares = [reference.brier_score_loss(outcome.truth, target, sample_weight=row) for row in weights]
    assert resampled("brier", outcome, weights) == pytest.approx(squares, rel=1e-5)


def test_a_certain_mistake_has_a_finite_loss_as_in_scikit_learn():
    outcome = Outcome(
        task="binary",
        truth=np.array([0, 1]),
        labels=np.array([1, 1]),
        probabilities=np.array([[0.0, 1.0], [0.0, 1.0]]),
        classes=2,
    )
    value = metric("log_loss").value(outcome)
    assert np.isfinite(value)
    assert resampled("log_loss", outcome, np.ones((1, 2), np.float32)) == pytest.approx([value], rel=1e-5)


def test_calibration_error_by_a_double_loop():
    outcome = classification(7, 400, 3, unseen=0.1)
    known = np.flatnonzero(outcome.known)
    confidence = outcome.probabilities[np.arange(400), outcome.labels]
    error = 0.0
    for b in range(15):
        inside = [i for i in known if b / 15 <= confidence[i] < (b + 1) / 15 or (b == 14 and confidence[i] == 1)]
        if inside:
            hit = np.mean([outcome.truth[i] == outcome.labels[i] for i in inside])
            error += len(inside) / len(known) * abs(np.mean(confidence[inside]) - hit)
    assert metric("ece").value(outcome) == pytest.approx(error)


def test_regression_metrics_are_scikit_learns_and_scipys():
    outcome, weights = regression(1, 200), counts(4, 200)
    t, s = outcome.truth, outcome.labels
    weighted = {
        "r2": reference.r2_score,
        "mean_absolute_error": reference.mean_absolute_error,
        "root_mean_squared_error": reference.root_mean_squared_error,
    }
    for name, function in weighted.items():
        assert metric(name).value(outcome) == pytest.approx(function(t, s))
        expected = [function(t, s, sample_weight=row) for row in weights]
        assert resampled(name, outcome, weights) == pytest.approx(expected, rel=1e-4)
    assert metric("spearman").value(outcome) == pytest.approx(scipy.stats.spearmanr(t, s).statistic)
    assert metric("pearson").value(outcome) == pytest.approx(np.corrcoef(t, s)[0, 1])
    for row, value in zip(weights, resampled("spearman", outcome, weights), strict=True):
        written = repeated(outcome, row)
        assert value == pytest.approx(scipy.stats.spearmanr(written.truth, written.labels).statistic, abs=0.02)


@pytest.mark.parametrize("offset", [0.0, 1e6])
def test_a_far_origin_costs_no_precision(offset):
    near = regression(1, 300)
    far = Outcome(task="regression", truth=near.truth + offset, labels=near.labels + offset)
    weights = counts(4, 300)
    for name in ("r2", "pearson", "spearman", "mean_absolute_error"):
        assert resampled(name, far, weights) == pytest.approx(resampled(name, near, weights), rel=1e-4)


@pytest.mark.parametrize("unit", [1e-30, 1e25])
@pytest.mark.parametrize("name", ["root_mean_squared_error", "mean_absolute_error"])
def test_units_beyond_the_range_of_float32(name, unit):
    truth = np.arange(60.0)
    labels = truth + np.random.default_rng(0).normal(size=60)
    plain, large = (
        score(name, Outcome(task="regression", truth=truth * scale, labels=labels * scale)) for scale in (1.0, unit)
    )
    assert large.low / unit == pytest.approx(plain.low) and large.high / unit == pytest.approx(plain.high)
    assert plain.low < plain.value < plain.high
