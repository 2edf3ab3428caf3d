"""What more rows would give: against laws that are known, and against what more rows gave."""

from __future__ import annotations

import numpy as np
import pytest

from tunewright.learning import learning_curve as module
from tunewright.learning.learning_curve import Part, learning_curve
from tunewright.metrics import metric as metric_of
from tunewright.records import LearningCurve, Score, from_json, to_json
from tunewright.report.charts import rows_curve
from tunewright.tasks import Classification, Multilabel, Regression

CLASSES = Classification(labels=("a", "b", "c", "d"))
CENTRES = np.random.default_rng(9).normal(size=(4, 40))


def clouds(rows, seed, spread=4.0):
    """Four clouds that overlap: the more rows, the better their centres are known."""
    rng = np.random.default_rng(seed)
    targets = rng.integers(0, 4, rows)
    return Part(x=(CENTRES[targets] + spread * rng.normal(size=(rows, 40))).astype(np.float32), targets=targets)


def test_scores_rise_with_rows_and_the_gain_is_what_more_rows_give():
    held, covered = clouds(1500, 99), []
    for seed in range(10):
        more = clouds(900, seed)
        curve = learning_curve(CLASSES, "accuracy", more.only(np.arange(450)), held, seed=seed)
        assert curve.rows == (112, 225, 338, 450) and curve.extra == 400
        assert curve.scores[-1].value > curve.scores[0].value
        whole = learning_curve(CLASSES, "accuracy", more.only(np.arange(850)), held, seed=seed)
        truth = whole.scores[-1].value - curve.scores[-1].value
        covered.append(curve.gain.low <= truth <= curve.gain.high)
    assert np.mean(covered) >= 0.7


def test_noise_is_not_helped_by_more_rows():
    rng = np.random.default_rng(0)
    train, held = (
        Part(x=rng.normal(size=(n, 20)).astype(np.float32), targets=rng.integers(0, 4, n)) for n in (800, 400)
    )
    curve = learning_curve(CLASSES, "accuracy", train, held, seed=0)
    assert curve.gain.low <= 0 and curve.text.startswith(("No evidence", "More rows of this kind would not help"))


def test_what_is_learned_already_is_not_helped_either():
    curve = learning_curve(CLASSES, "accuracy", clouds(2000, 0, spread=0.3), clouds(500, 1, spread=0.3), seed=0)
    assert curve.text.startswith("More rows of this kind would not help")


def test_resamples_without_an_error_do_not_promise_or_threaten_more_than_there_is():
    for seed in range(4):  # one or two of 45 held-out rows are wrong, and in many resamples none is
        curve = learning_curve(
            CLASSES, "accuracy", clouds(210, seed, spread=2.5), clouds(45, 50 + seed, 2.5), seed=seed
        )
        assert -0.3 < curve.gain.low <= curve.gain.high < 0.3, curve.gain


@pytest.mark.parametrize("kind", ["regression", "multilabel", "unknown labels", "weights"])
def test_every_kind_of_target_has_a_curve(kind):
    rng = np.random.default_rng(1)
    parts = [clouds(400, 2), clouds(200, 3)]
    task, metric = CLASSES, "f1_macro"
    if kind == "regression":
        task, metric = Regression(mean=0.0, scale=1.0, log=False, low=-50.0, high=50.0), "mean_absolute_error"
        parts = [Part(x=p.x, targets=(p.x[:, 0] + rng.normal(size=len(p.x))).astype(np.float32)) for p in parts]
    if kind == "multilabel":
        task, metric = Multilabel(labels=("x", "y", "z")), "f1_micro"
        parts = [Part(x=p.x, targets=(p.x[:, :3] > 1).astype(np.float32)) for p in parts]
    if kind == "unknown labels":
        parts = [Part(x=p.x, targets=np.where(np.arange(len(p.x)) < 9, -1, p.targets)) for p in parts]
    if kind == "weights":
        parts[0] = Part(x=parts[0].x, targets=parts[0].targets, weights=rng.uniform(0.5, 2, 400))
    curve = learning_curve(task, metric, *parts, seed=0)
    assert all(np.isfinite([s.value, s.low, s.high]).all() and s.low <= s.value <= s.high for s in curve.scores)
    assert from_json(LearningCurve, to_json(curve)) == curve
    # A gain is positive where it helps, whatever the direction of the metric.
    assert curve.gain.value > -0.05
    assert learning_curve(task, metric, *parts, seed=0) == curve


@pytest.mark.parametrize(("rows", "held"), [(40, 100), (300, 8), (20, 5)])
def test_too_few_rows_have_none(rows, held):
    assert learning_curve(CLASSES, "accuracy", clouds(rows, 0), clouds(held, 1), seed=0) is None


def test_held_out_rows_are_not_learned_from(monkeypatch):
    seen = []
    real = module.Moments.of.__func__
    monkeypatch.setattr(module.Moments, "of", classmethod(lambda cls, x, *rest: seen.append(x) or real(cls, x, *rest)))
    held = clouds(300, 5)
    learning_curve(CLASSES, "accuracy", clouds(400, 4), held, seed=0)
    assert sum(map(len, seen)) == 400
    assert not (np.concatenate(seen)[:, None, 0] == held.x[None, :, 0]).any()


@pytest.mark.parametrize(
    ("metric", "scores"),
    [
        ("accuracy", (0.96, 0.97, 0.98, 0.99)),
        ("accuracy", (0.04, 0.03, 0.02, 0.01)),
        ("log_loss", (0.04, 0.03, 0.02, 0.01)),
        ("brier", (1.96, 1.97, 1.98, 1.99)),
    ],
)
def test_neither_scores_nor_gains_leave_the_bounds_of_their_metric(metric, scores):
    one, apart = metric_of(metric), 0.05 * np.array([-1, 1, -1, 1])
    sign = 1 if one.greater_is_better else -1
    values = [*(sign * (score + apart) for score in scores[:3]), sign * np.array(scores[3:])]
    samples = [np.repeat(value[:, None], 100, axis=1) for value in values]
    curve = module._curve(metric, (100, 200, 300, 400), values, samples, 400, 50, 0)
    assert curve.gain.low <= curve.gain.value < curve.gain.high
    lowest, highest = (limit if limit is not None else np.inf for limit in one.bounds)
    for line in rows_curve(curve)["data"]:
        y, bars = np.array(line["y"]), line["error_y"]
        assert (y - bars["arrayminus"] >= lowest - 1e-9).all() and (y + bars["array"] <= highest + 1e-9).all()


@pytest.mark.parametrize(
    ("metric", "gain", "text"),
    [
        ("accuracy", (0.12, 0.05, 0.2), "would improve accuracy by about 12.0 points (5.0 to 20.0)."),
        ("mean_absolute_error", (0.12, 0.05, 0.2), "would improve mean absolute error by about 0.12 (0.05 to 0.2)."),
        ("accuracy", (0.12, -0.05, 0.2), "rows, accuracy +12.0 points (−5.0 to +20.0)."),
        ("mean_absolute_error", (0.12, -0.05, 0.2), "rows, mean absolute error −0.12 (−0.2 to +0.05)."),
        ("accuracy", (-0.01, -0.02, 0.0), "would change accuracy by −1.0 points (−2.0 to +0.0)."),
        ("brier", (-0.01, -0.02, 0.0), "would change Brier score by +1.0 points (+0.0 to +2.0)."),
    ],
)
def test_an_error_that_more_rows_take_away_is_not_said_to_be_added(metric, gain, text):
    value, low, high = gain
    said = module._text(Score(value=value, low=low, high=high, n=50), 1000, metric_of(metric))
    assert said.endswith(text) and "1,000 more labelled rows" in said
