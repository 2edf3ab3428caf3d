"""Two models on the same rows: rows found again, labels numbered alike, verdicts that simulation bears out."""

import numpy as np
import polars as pl
import pytest

from tunewright.data.expressions import parse
from tunewright.errors import DataError
from tunewright.evaluation.answers import Answers, align, from_arrays, slice_masks, to_arrays
from tunewright.evaluation.comparing import compare_answers, rows_needed
from tunewright.metrics import Outcome, difference, scores
from tunewright.records import Column, Score, Table
from tunewright.stats import mcnemar

NAMES = ("green", "red")


def answers(truth, said, *, names=NAMES, keys=None, slices=None, protected=(), task=None):
    truth, said = np.asarray(truth), np.asarray(said)
    task = task or ("binary" if len(names) == 2 else "multiclass")
    probabilities = np.full((len(said), len(names)), 0.2 / max(len(names) - 1, 1))
    probabilities[np.arange(len(said)), said] = 0.8
    outcome = Outcome(task=task, truth=truth, labels=said, probabilities=probabilities, classes=len(names))
    keys = np.arange(len(truth)) if keys is None else keys
    bytes_ = np.stack([np.asarray(keys, np.int64)] * 2, axis=1).view(np.uint8)
    return Answers(outcome=outcome, names=names, keys=bytes_, slices=slices or {}, protected=protected)


def noisy(truth, wrong, rng):
    said = truth.copy()
    flip = rng.choice(len(truth), wrong, replace=False)
    said[flip] = 1 - said[flip]
    return said


@pytest.fixture
def pair():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 400)
    return truth, noisy(truth, 20, rng), noisy(truth, 80, rng)


def test_a_better_model_is_called_better_and_the_other_worse(pair):
    truth, good, bad = pair
    a, b = answers(truth, good), answers(truth, bad)
    found = compare_answers(a, b, metric_name="accuracy", names=("new", "old"))
    assert (found.verdict, found.rows, found.left_out) == ("better", 400, 0)
    assert found.difference == difference("accuracy", a.outcome, b.outcome).difference
    assert found.scores["accuracy"] == (scores(a.outcome)["accuracy"], scores(b.outcome)["accuracy"])
    assert found.text.startswith("new is better than old: accuracy 0.95")
    back = compare_answers(b, a, metric_name="accuracy", names=("old", "new"))
    assert back.verdict == "worse"
    assert back.difference.value == pytest.approx(-found.difference.value)
    # A loss that is lower is better: the sign speaks of the model.
    assert compare_answers(a, b, metric_name="log_loss", names=("new", "old")).verdict == "better"


def test_rows_are_found_again_in_another_order_and_numbering(pair):
    truth, good, bad = pair
    order = np.random.default_rng(1).permutation(400)
    plain = compare_answers(answers(truth, good), answers(truth, bad), metric_name="f1_macro", names=("a", "b"))
    turned = answers(1 - truth[order], 1 - bad[order], names=("red", "green"), keys=order)
    again = compare_answers(answers(truth, good), turned, metric_name="f1_macro", names=("a", "b"))
    assert again.difference == plain.difference
    assert again.scores["f1_macro"] == plain.scores["f1_macro"]


def test_only_common_rows_count_and_repeated_ones_are_matched_one_to_one(pair):
    truth, good, bad = pair
    half = answers(truth[:300], bad[:300], keys=np.arange(300))
    found = compare_answers(answers(truth, good), half, metric_name="accuracy", names=("a", "b"))
    assert (found.rows, found.left_out) == (300, 100)
    twice = answers(truth, good, keys=np.arange(400) // 2)
    thrice = answers(truth, bad, keys=np.arange(400) // 2)
    both = align(twice, thrice)
    assert both[0].outcome.rows == both[1].outcome.rows == 400
    with pytest.raises(DataError, match="at least 20 rows"):
        align(answers(truth, good), answers(truth, bad, keys=np.arange(400) + 390))


def test_another_truth_or_another_task_is_refused(pair):
    truth, good, bad = pair
    other = truth.copy()
    other[:7] = 1 - other[:7]
    with pytest.raises(DataError, match="7 of 400 do not"):
        align(answers(truth, good), answers(other, bad))
    numbers = Outcome(task="regression", truth=truth * 1.0, labels=good * 1.0)
    values = Answers(outcome=numbers, names=(), keys=answers(truth, good).keys)
    with pytest.raises(DataError, match="one task"):
        align(answers(truth, good), values)


def test_a_model_that_knows_more_labels_is_compared_on_all_of_them():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 3, 300)
    newer = answers(truth, truth, names=("blue", "green", "red"))
    # The older one never saw "blue": its rows are unknown to it, and it says something else there.
    older = answers(np.where(truth == 0, -1, truth - 1), np.where(truth == 0, 0, truth - 1))
    found = compare_answers(newer, older, metric_name="accuracy", names=("newer", "older"))
    assert found.verdict == "better"
    assert found.scores["accuracy"][0].value == 1.0
    assert found.scores["accuracy"][1].value == pytest.approx((truth > 0).mean())
    worst = next(one for one in found.slices if one.condition == "label is blue")
    assert (worst.verdict, worst.difference.value) == ("better", 1.0)


def test_what_was_tried_on_the_same_rows_raises_the_bar(pair):
    truth, good, _ = pair
    slightly = noisy(truth, 37, np.random.default_rng(5))
    a, b = answers(truth, good), answers(truth, slightly)
    once = compare_answers(a, b, metric_name="accuracy", names=("a", "b"))
    assert once.verdict == "better"
    often = compare_answers(a, b, metric_name="accuracy", names=("a", "b"), tried=40)
    assert often.verdict == "no evidence"
    assert often.p_adjusted == pytest.approx(min(1, 40 * once.p_value))
    assert "after correction for 40 comparisons" in often.text


def test_a_protected_slice_that_got_worse_takes_a_better_back(pair):
    truth, good, _ = pair
    phone = np.arange(400) < 60
    hurt = np.where(phone, 1 - truth, good)
    for protected, verdict in (((), "better"), (("channel == 'phone'",), "no evidence")):
        a = answers(truth, hurt, slices={"channel == 'phone'": phone}, protected=protected)
        b = answers(truth, np.where(phone, truth, 1 - truth), slices={"channel == 'phone'": phone})
        found = compare_answers(a, b, metric_name="accuracy", names=("new", "old"))
        line = next(one for one in found.slices if one.condition == "channel == 'phone'")
        assert (found.verdict, line.verdict, line.protected) == (verdict, "worse", bool(protected))
    assert "got worse where channel == 'phone'" in found.text


def test_unprotected_slices_of_noise_are_rarely_called():
    """Thirty slices of two equal models: with Holm's correction one study in twenty may name any."""
    called = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        truth = rng.integers(0, 2, 600)
        slices = {f"s{i}": rng.random(600) < 0.3 for i in range(30)}
        a, b = (answers(truth, noisy(truth, 90, rng), slices=slices) for _ in range(2))
        found = compare_answers(a, b, metric_name="accuracy", names=("a", "b"), seed=seed)
        called += any(one.verdict in ("better", "worse") for one in found.slices)
    assert called <= 5


def test_rows_needed_show_the_difference_four_times_of_five():
    """The forecast against simulation: at so many rows McNemar's test says so about 80 % of the time."""
    rng = np.random.default_rng(0)
    n, only_a, only_b = 1000, 60, 40
    a = np.r_[np.ones(900), np.ones(only_a), np.zeros(only_b)]
    b = np.r_[np.ones(900), np.zeros(only_a), np.ones(only_b)]
    gap = a - b
    draws = rng.choice(gap, (4000, n)).mean(1)
    found = Score(value=gap.mean(), low=np.quantile(draws, 0.025), high=np.quantile(draws, 0.975), n=n)
    needed = rows_needed(found)
    drawn = rng.choice(gap, (2000, needed))
    shown = [mcnemar(row > 0, row < 0) <= 0.05 for row in drawn]
    assert np.mean(shown) == pytest.approx(0.8, abs=0.05)
    assert rows_needed(Score(value=0.0, low=-0.1, high=0.1, n=n)) is None


def test_masks_are_protected_conditions_and_frequent_values():
    typed = pl.DataFrame({"c": ["a"] * 30 + ["b"] * 50 + ["rare"] * 5 + [None] * 5, "n": range(90)})
    table = Table(
        columns=(
            Column(name="c", kind="category", role="feature", why="", missing=5, distinct=3),
            Column(name="n", kind="number", role="feature", why="", missing=0, distinct=90),
        ),
        rows=90,
        target="y",
        task="binary",
        task_why="",
        fingerprint="",
    )
    masks = slice_masks(typed, table, [parse("n < 10")])
    assert {name: int(mask.sum()) for name, mask in masks.items()} == {"n < 10": 10, "c == 'b'": 50, "c == 'a'": 30}


def test_answers_come_back_from_their_arrays(pair):
    truth, good, _ = pair
    one = answers(truth, good, slices={"x > 1": truth == 1}, protected=("x > 1",))
    again = from_arrays(*to_arrays(one))
    assert (again.names, again.protected) == (one.names, one.protected)
    for name in ("truth", "labels", "probabilities"):
        np.testing.assert_array_equal(getattr(again.outcome, name), getattr(one.outcome, name))
    np.testing.assert_array_equal(again.slices["x > 1"], truth == 1)
    with pytest.raises(KeyError):
        from_arrays({}, {})
