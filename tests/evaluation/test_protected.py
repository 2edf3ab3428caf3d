import json

import numpy as np
import polars as pl
import pytest

from tunewright.data.expressions import parse
from tunewright.errors import DataError, PlanError
from tunewright.evaluation.protected import FEWEST_ROWS, ProtectedSlice, judge_slices, read_slices
from tunewright.metrics import Outcome, difference, score
from tunewright.records import from_json, to_json


def binary(truth, said, probabilities=None):
    both = None if probabilities is None else np.column_stack([1 - probabilities, probabilities])
    return Outcome(task="binary", classes=2, truth=truth, labels=said, probabilities=both)


@pytest.fixture
def models():
    """600 rows; the new model is better by mail and worse by phone, where it is right on 70 % instead of 90 %."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 600)
    phone = np.arange(600) % 3 == 0
    new = np.where(rng.random(600) < np.where(phone, 0.7, 0.97), truth, 1 - truth)
    old = np.where(rng.random(600) < np.where(phone, 0.9, 0.8), truth, 1 - truth)
    channel = pl.Series("channel", np.where(phone, "phone", "mail"))
    rows = pl.DataFrame([channel, pl.Series("n", range(600))]).with_columns(
        channel=pl.when(pl.col("n") >= 590).then(None).otherwise(pl.col("channel"))
    )
    return rows, binary(truth, new), binary(truth, old)


def judged(models, *conditions, metric="accuracy"):
    rows, a, b = models
    return judge_slices([parse(c) for c in conditions], rows, a, b, metric=metric, names=("the new", "the old"))


def test_a_slice_that_got_worse_is_seen_though_the_whole_got_better(models):
    rows, a, b = models
    assert difference("accuracy", a, b).difference.value > 0
    worse, better = judged(models, "channel == 'phone'", "channel != 'phone'")
    assert (worse.verdict, better.verdict) == ("worse", "better")
    inside = [row for row in range(600) if rows["channel"][row] == "phone"]
    assert worse.rows == len(inside)
    assert worse.a.value == pytest.approx((a.labels == a.truth)[inside].mean())
    assert worse.difference.value == pytest.approx(worse.a.value - worse.b.value)
    assert worse.difference.high < 0
    assert worse.text.startswith("Where channel == 'phone': accuracy is 0.")
    assert "with the new and 0." in worse.text and worse.text.endswith("it got worse.")


def test_rows_whose_condition_is_unknown_are_in_no_slice(models):
    both = judged(models, "channel == 'phone'", "channel != 'phone'", "is_missing(channel)")
    assert sum(s.rows for s in both[:2]) == 590 and both[2].rows == 10


@pytest.mark.parametrize(
    ("rows", "verdict"), [(FEWEST_ROWS - 1, "too few to tell"), (FEWEST_ROWS, "worse"), (0, None), (1, None)]
)
def test_a_verdict_needs_twenty_rows(rows, verdict):
    truth = np.zeros(100, dtype=int)
    frame = pl.DataFrame({"n": range(100)})
    (found,) = judge_slices(
        [parse(f"n < {rows}")], frame, binary(truth, truth + 1), binary(truth, truth), metric="f1_macro"
    )
    assert found.verdict == (verdict or "too few to tell") and found.rows == rows
    assert (found.difference is None) == (rows < FEWEST_ROWS)
    if rows < FEWEST_ROWS:
        assert f"{rows} {'row' if rows == 1 else 'rows'}, too few to tell" in found.text


def test_the_same_model_is_never_worse(models):
    rows, a, _ = models
    for found in judge_slices([parse("true"), parse("channel == 'phone'")], rows, a, a, metric="f1_macro"):
        assert found.verdict == "no evidence" and found.difference.value == 0.0


def test_chance_is_rarely_called_worse():
    rng = np.random.default_rng(3)
    worse = 0
    for seed in range(150):
        truth = rng.integers(0, 2, 120)
        said = [np.where(rng.random(120) < 0.8, truth, 1 - truth) for _ in range(2)]
        frame = pl.DataFrame({"n": range(120)})
        (found,) = judge_slices(
            [parse("n < 80")], frame, *(binary(truth, s) for s in said), metric="accuracy", seed=seed
        )
        worse += found.verdict == "worse"
    assert worse / 150 <= 0.06


def test_where_the_metric_is_undefined_another_stands_in():
    truth, p = np.zeros(40, dtype=int), np.linspace(0.1, 0.6, 40)
    a, b = binary(truth, (p > 0.5).astype(int), p), binary(truth, truth, p / 2)
    (found,) = judge_slices([parse("true")], pl.DataFrame({"n": range(40)}), a, b, metric="roc_auc")
    assert (found.metric, found.verdict, found.a) == ("accuracy", "worse", score("accuracy", a))


def test_errors_are_worse_when_they_grow():
    truth = np.linspace(0, 10, 60)
    a, b = (Outcome(task="regression", truth=truth, labels=truth + off) for off in (np.sin(truth) * 2, np.sin(truth)))
    frame = pl.DataFrame({"n": range(60)})
    (found,) = judge_slices([parse("n >= 20")], frame, a, b, metric="mean_absolute_error")
    assert found.verdict == "worse" and found.a.value > found.b.value
    (constant,) = judge_slices([parse("n >= 20")], frame, a, b, metric="r2")
    assert constant.verdict == "worse"


def test_several_labels_a_row():
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, (90, 3))
    flipped = np.where(rng.random((90, 3)) < 0.3, 1 - truth, truth)
    a, b = (Outcome(task="multilabel", classes=3, truth=truth, labels=said) for said in (flipped, truth))
    (found,) = judge_slices([parse("n < 60")], pl.DataFrame({"n": range(90)}), a, b, metric="f1_macro")
    assert found.verdict == "worse" and found.rows == 60


def test_all_conditions_that_do_not_fit_are_listed():
    schema = {"channel": pl.String(), "n": pl.Float64()}
    assert [c.text for c in read_slices(["n > 1", "channel == 'a'"], schema)] == ["n > 1", "channel == 'a'"]
    with pytest.raises(PlanError) as refused:
        read_slices(["n > 1", "n +", "chanel == 'a'", "n + 1", "channel > 1"], schema)
    said = str(refused.value)
    assert "Got 4:" in said and "knowledge.protect[0]" not in said
    for place, part in ((1, "the end"), (2, "Did you mean 'channel'?"), (3, "true or false"), (4, "one kind")):
        line = next(line for line in said.splitlines() if f"knowledge.protect[{place}]" in line)
        assert part in line


def test_rows_must_be_those_that_were_predicted(models):
    rows, a, b = models
    with pytest.raises(DataError, match="599 rows, 600 and 600 predictions"):
        judge_slices([parse("true")], rows[:599], a, b, metric="accuracy")


def test_a_slice_survives_json(models):
    for found in judged(models, "channel == 'phone'", "n < 3"):
        assert from_json(ProtectedSlice, json.loads(json.dumps(to_json(found), allow_nan=False))) == found
