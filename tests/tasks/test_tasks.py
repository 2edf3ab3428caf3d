"""Tasks: targets to numbers and back, and losses against the formulas of torch and scikit-learn."""

import json

import numpy as np
import polars as pl
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import log_loss

from tunewright.errors import DataError, PlanError
from tunewright.tasks import (
    Classification,
    Decision,
    Multilabel,
    Regression,
    make_task,
    task_from_json,
    task_to_json,
)

TASKS = [
    Classification(labels=("a", "b", "c")),
    Classification(labels=("no", "yes"), positive="yes"),
    Multilabel(labels=("x", "y")),
    Regression(mean=3.0, scale=2.0, log=False, low=-1.0, high=9.0),
    Regression(mean=0.5, scale=0.7, log=True, low=0.0, high=90.0),
]


@pytest.mark.parametrize("task", TASKS, ids=str)
def test_json_and_back_is_the_same_task(task):
    assert task_from_json(json.loads(json.dumps(task_to_json(task)))) == task


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from("abcd"), min_size=4, max_size=30))
def test_labels_decode_to_what_was_encoded(labels):
    task = Classification.fit(pl.Series(labels))
    numbers = task.encode(pl.Series(labels))
    assert [task.labels[n] for n in numbers] == labels
    assert sorted(set(labels)) == list(task.labels)


def test_a_label_never_seen_is_minus_one_and_counts_wrong():
    task = Classification.fit(pl.Series(["a", "b", "c"]))
    targets = task.encode(pl.Series(["b", "new", None]))
    assert targets.tolist() == [1, -1, -1]
    outcome = task.outcome(targets, np.eye(3, dtype=np.float32), Decision())
    assert outcome.known.tolist() == [True, False, False]
    assert not (outcome.labels == outcome.truth)[1:].any()


@pytest.mark.parametrize("how", ["none", "standard", "log"])
def test_a_number_is_scored_against_what_the_file_says(how):
    values = pl.Series([0.1, 1234567.891, 3.3, 98765432.1])
    task = Regression.fit(values, how)
    outcome = task.outcome(task.encode(values), np.zeros((4, 1), np.float32), Decision())
    np.testing.assert_allclose(outcome.truth, values.to_numpy(), rtol=1e-12, atol=1e-7)


def test_a_logarithmic_scale_refuses_a_negative_target_in_any_part():
    task = Regression.fit(pl.Series([1.0, 2.0]), "log")
    assert np.isnan(task.encode(pl.Series([1.0, None]))[1])
    with pytest.raises(DataError, match=r"smallest is -0\.5"):
        task.encode(pl.Series([1.0, -0.5]))
    with pytest.raises(DataError, match="smallest is -3"):
        Regression.fit(pl.Series([-3.0, 2.0]), "log")


def test_the_rarer_label_is_positive_unless_named():
    values = pl.Series(["ham"] * 5 + ["spam"] * 2)
    assert make_task("binary", values).positive == "spam"
    assert make_task("binary", values, positive="ham").positive == "ham"
    with pytest.raises(PlanError, match="'eggs'"):
        make_task("binary", values, positive="eggs")
    with pytest.raises(PlanError, match="two labels"):
        make_task("multiclass", pl.Series(["a", "b", "c"]), positive="a")


def test_one_label_is_no_task():
    with pytest.raises(DataError, match="at least two labels"):
        make_task("multiclass", pl.Series(["a", "a"]))


def test_a_threshold_moves_the_binary_answer():
    task = Classification(labels=("no", "yes"), positive="yes")
    outputs = np.log(np.array([[0.8, 0.2], [0.65, 0.35], [0.4, 0.6]], np.float32))
    plain = task.outcome(np.array([0, 0, 1]), outputs, Decision())
    eager = task.outcome(np.array([0, 0, 1]), outputs, Decision(thresholds=(0.3,)))
    assert plain.labels.tolist() == [0, 0, 1]
    assert eager.labels.tolist() == [0, 1, 1]
    assert eager.positive == 1


def test_the_threshold_speaks_of_the_positive_label_also_where_it_comes_first():
    task = Classification(labels=("a", "b"), positive="a")
    outputs = np.log(np.array([[0.35, 0.65]], np.float32))
    assert task.outcome(np.array([0]), outputs, Decision(thresholds=(0.3,))).labels.tolist() == [0]


def test_classification_loss_is_log_loss_and_temperature_divides():
    rng = np.random.default_rng(0)
    task = Classification(labels=("a", "b", "c"))
    outputs, targets = rng.normal(size=(40, 3)).astype(np.float32), rng.integers(0, 3, 40)
    ours = task.loss(torch.from_numpy(outputs), torch.from_numpy(targets)).numpy()
    expected = log_loss(targets, torch.softmax(torch.from_numpy(outputs.astype(float)), 1).numpy())
    assert ours.mean() == pytest.approx(expected, rel=1e-5)
    warm = task.probabilities(outputs, Decision(temperature=2.5))
    np.testing.assert_allclose(warm, torch.softmax(torch.from_numpy(outputs.astype(float)) / 2.5, 1).numpy(), rtol=1e-6)


def test_unknown_rows_and_smoothing_in_the_loss():
    task = Classification(labels=("a", "b", "c"))
    outputs = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    targets = torch.tensor([0, 1, -1, 2, 1])
    ours = task.loss(outputs, targets, 0.2)
    logs = torch.log_softmax(outputs, 1)
    for row, target in enumerate(targets.tolist()):
        by_hand = 0.0 if target < 0 else float(-(0.8 * logs[row, target] + 0.2 * logs[row].mean()))
        assert float(ours[row]) == pytest.approx(by_hand, rel=1e-5)


def test_multilabel_loss_against_the_formula():
    task = Multilabel(labels=("x", "y"))
    outputs = torch.tensor([[2.0, -1.0], [0.3, 0.1]])
    targets = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    for smoothing in (0.0, 0.1):
        smooth = targets * (1 - smoothing) + smoothing / 2
        p = torch.sigmoid(outputs)
        by_hand = -(smooth * p.log() + (1 - smooth) * (1 - p).log()).sum(1)
        torch.testing.assert_close(task.loss(outputs, targets, smoothing), by_hand)


def test_multilabel_sets_round_trip():
    values = pl.Series([["joy", "fear"], [], ["anger"], None, ["joy", "never seen"]])
    task = Multilabel.fit(values[:4])
    assert task.labels == ("anger", "fear", "joy")
    targets = task.encode(values)
    outcome = task.outcome(targets, np.where(targets > 0, 5.0, -5.0), Decision())
    assert task.names(outcome) == ["fear|joy", "", "anger", "", "joy"]


def test_multilabel_thresholds_are_one_per_label():
    task = Multilabel(labels=("x", "y"))
    outcome = task.outcome(np.zeros((1, 2), np.float32), np.zeros((1, 2)), Decision(thresholds=(0.4, 0.6)))
    assert outcome.labels.tolist() == [[1, 0]]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(0, 1e6), min_size=3, max_size=30),
    st.sampled_from(["auto", "none", "standard", "log"]),
)
def test_regression_scales_and_unscales(numbers, how):
    task = Regression.fit(pl.Series(numbers), how)
    back = task.values(task.encode(pl.Series(numbers))[:, None])
    # float32 holds the scaled targets: seven digits of the spread, and of the mean in units of the spread.
    slack = 1e-5 * (max(numbers) - min(numbers) + 1) if how != "log" else 1e-4 * (max(numbers) + 1)
    np.testing.assert_allclose(back, numbers, atol=slack + 2e-7 * max(numbers))
    assert (back >= min(numbers)).all() and (back <= max(numbers)).all()


def test_standard_target_has_mean_zero_and_deviation_one():
    values = pl.Series(np.random.default_rng(0).gamma(2, 3, 500))
    scaled = Regression.fit(values, "standard").encode(values)
    assert scaled.mean() == pytest.approx(0, abs=1e-5)
    assert scaled.std() == pytest.approx(1, abs=1e-5)


def test_log_refuses_negative_targets_and_constant_targets_have_a_scale():
    with pytest.raises(DataError, match="-2"):
        Regression.fit(pl.Series([1.0, -2.0]), "log")
    assert Regression.fit(pl.Series([4.0, 4.0])).scale == 1.0


def test_regression_outcome_is_in_target_units():
    task = Regression.fit(pl.Series([10.0, 20.0, 30.0]))
    outcome = task.outcome(task.encode(pl.Series([10.0, 30.0])), np.array([[0.0], [99.0]]), Decision())
    np.testing.assert_allclose(outcome.truth, [10, 30], rtol=1e-6)
    np.testing.assert_allclose(outcome.labels, [20, 30], rtol=1e-6)
    loss = task.loss(torch.tensor([[1.0], [2.0]]), torch.tensor([0.0, 2.0]))
    assert loss.tolist() == [1.0, 0.0]
