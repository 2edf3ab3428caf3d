"""Baselines beside the model: each is what its name says, and each is compared on the same rows."""

import numpy as np
import polars as pl
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor

from tunewright.evaluation import baselines
from tunewright.evaluation.baselines import BASELINES, Rows
from tunewright.evaluation.efficiency import measure_efficiency
from tunewright.evaluation.evaluate import _baseline_note, evaluate
from tunewright.evaluation.limits import limits_of
from tunewright.objective import Limits, Objective
from tunewright.records import Comparison, Score
from tunewright.runfolder.context import RunContext
from tunewright.tasks import Decision

EXPECTED = {
    "text": {"majority", "tfidf", "probe"},
    "pair": {"majority", "tfidf", "cosine", "probe"},
    "multilabel": {"majority", "tfidf", "probe"},
    "table": {"majority", "boosting", "probe"},
    "mixed": {"majority", "tfidf", "boosting", "probe"},
}


@pytest.fixture(scope="module")
def evaluated(learned):
    made = {}

    def get(kind):
        if kind not in made:
            prepared, judging, fitted = learned(kind)
            rows = Rows(judging.problem, fitted.frozen, fitted.lexical, judging.judge)
            made[kind] = rows, evaluate(rows, fitted, prepared.objective, limits={}, run=RunContext())
        return made[kind]

    return get


@pytest.mark.parametrize("kind", EXPECTED)
def test_each_baseline_that_applies_is_scored_and_compared(learned, evaluated, kind):
    prepared, judging, _ = learned(kind)
    _, evaluation = evaluated(kind)
    assert set(evaluation.baselines) == EXPECTED[kind]
    assert evaluation.metric == prepared.objective.metric
    assert set(evaluation.metrics) == {"validation", "test"}
    compared = {comparison.b for comparison in evaluation.comparisons}
    # A constant has no rank correlation; every other baseline is compared.
    assert EXPECTED[kind] - {"majority"} <= compared <= EXPECTED[kind]
    ours = evaluation.metrics["test"][evaluation.metric].value
    for comparison in evaluation.comparisons:
        theirs = evaluation.baselines[comparison.b][evaluation.metric].value
        assert comparison.difference.value == pytest.approx(judging.sign * (ours - theirs), abs=1e-9)
        assert comparison.difference.low <= comparison.difference.value <= comparison.difference.high
        assert comparison.difference.n == 40
    for scores in (*evaluation.metrics.values(), *evaluation.baselines.values()):
        assert all(s.low <= s.value <= s.high and s.n > 0 for s in scores.values())


@pytest.mark.parametrize("kind", ["text", "table", "mixed"])
def test_majority_is_scikit_learns_dummy(learned, evaluated, kind):
    problem = learned(kind)[1].problem
    dummy = DummyClassifier(strategy="most_frequent").fit(np.zeros((120, 1)), problem.targets["train"])
    expected = dummy.score(np.zeros((40, 1)), problem.targets["test"])
    assert evaluated(kind)[1].baselines["majority"]["accuracy"].value == pytest.approx(expected)


def test_majority_is_the_train_median_and_the_label_frequencies(learned, evaluated):
    problem = learned("pair")[1].problem
    rows = evaluated("pair")[0]
    dummy = DummyRegressor(strategy="median").fit(np.zeros((120, 1)), problem.typed["train"]["y"].to_numpy())
    outputs = baselines.majority(rows)["test"]
    np.testing.assert_allclose(problem.task.values(outputs), dummy.predict(np.zeros((40, 1))), rtol=1e-5)

    problem, rows = learned("multilabel")[1].problem, evaluated("multilabel")[0]
    shares = problem.task.probabilities(baselines.majority(rows)["test"], Decision())
    np.testing.assert_allclose(shares, np.tile(problem.targets["train"].mean(0), (40, 1)), atol=1e-4)


@pytest.mark.parametrize("kind", ["text", "mixed", "multilabel"])
def test_words_beat_the_majority_where_words_decide(evaluated, kind):
    _, evaluation = evaluated(kind)
    scores = {name: evaluation.baselines[name]["f1_macro"] for name in ("majority", "tfidf")}
    assert scores["tfidf"].low > scores["majority"].value + 0.1


def test_boosting_beats_the_majority_on_columns(evaluated):
    table = evaluated("table")[1].baselines
    assert table["boosting"]["accuracy"].low > table["majority"]["accuracy"].value


def test_the_cosine_knows_how_much_two_texts_share(evaluated):
    assert evaluated("pair")[1].baselines["cosine"]["spearman"].low > 0


def test_cosine_is_the_cosine_of_the_frozen_vectors(learned, evaluated):
    from tunewright.models.backbone import load_folder
    from tunewright.models.encoder import Encoder
    from tunewright.models.inputs import Inputs
    from tunewright.models.outputs import encode_inputs

    problem = learned("pair")[1].problem
    encoder = Encoder(load_folder(problem.backbone.folder), "mean")
    u, v = (
        encode_inputs(encoder, Inputs((s,), np.zeros((40, 0), np.float32)), device=next(encoder.parameters()).device)
        for s in problem.inputs["test"].segments
    )
    cosine = (u * v).sum(1) / np.linalg.norm(u, axis=1) / np.linalg.norm(v, axis=1)
    outputs = baselines.cosine(evaluated("pair")[0])["test"][:, 0]
    assert abs(np.corrcoef(cosine, outputs)[0, 1]) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("kind", EXPECTED)
def test_baselines_are_deterministic_cover_what_is_judged_and_leave_the_rows_alone(evaluated, kind):
    rows, _ = evaluated(kind)
    before = {part: frame.clone() for part, frame in rows.problem.typed.items()}
    for _, make in BASELINES:
        one, two = make(rows), make(rows)
        assert (one is None) == (two is None)
        if one is not None:
            assert {"validation", "test"} <= set(one)
            for part in one:
                np.testing.assert_array_equal(one[part], two[part])
                assert one[part].shape == (before[part].height, rows.problem.task.outputs)
                assert np.isfinite(one[part]).all()
    assert all(rows.problem.typed[part].equals(frame) for part, frame in before.items())


def test_boosting_survives_a_class_with_a_single_train_row(learn, make_rows):
    frame = make_rows("mixed", 60)
    frame = frame.with_columns(y=pl.when(pl.arange(60) == 0).then(pl.lit("alone")).otherwise(pl.col("y")))
    _, judging, fitted = learn("mixed", frame, model={"train": "head"}, training={"epochs": 1})
    outputs = baselines.boosting(Rows(judging.problem, fitted.frozen, fitted.lexical, judging.judge))
    assert outputs["test"].shape == (12, judging.problem.task.outputs)


def test_per_class_scores_and_the_verdict(learned, evaluated):
    _, judging, fitted = learned("text")
    _, evaluation = evaluated("text")
    problem = judging.problem
    said = problem.task.outcome(problem.targets["test"], fitted.outputs["test"], fitted.model.decision)
    for number, label in enumerate(problem.task.labels):
        true = said.truth == number
        assert evaluation.per_class[label]["recall"].value == pytest.approx((said.labels[true] == number).mean())
        assert evaluation.per_class[label]["recall"].n == true.sum()
    assert evaluation.verdict.objective == "none"
    assert "majority" in evaluation.verdict.text


def test_limits_are_what_was_measured_as_far_as_asked(learned):
    prepared, judging, fitted = learned("text")
    rows = judging.problem.typed["validation"]
    cost = measure_efficiency(fitted.model, rows)
    assert limits_of(cost.efficiency, Limits()) == {}
    measured = limits_of(cost.efficiency, Limits(latency_ms=1, size_mb=1))
    assert measured == {"latency_ms": cost.efficiency.latency_ms["p50"], "size_mb": cost.efficiency.size_mb}
    weights = sum(p.numel() for p in fitted.model.network.parameters()) * 4 / 1e6
    assert measured["size_mb"] == pytest.approx(weights, abs=0.02)
    assert 0 < measured["latency_ms"] < 1000
    assert isinstance(prepared.objective, Objective)


def test_a_constant_is_called_by_what_it_is_for_the_task():
    def compared(name, verdict):
        gap = Score(value=0.1, low=0.0, high=0.2, n=40)
        return Comparison(metric="r2", a="model", b=name, difference=gap, p_value=0.01, verdict=verdict)

    three = (compared("majority", "better"), compared("tfidf", "better"), compared("probe", "no evidence"))
    assert _baseline_note(three, "regression") == (
        "Better than the median and TF-IDF + linear model on the same rows. "
        "No evidence of a difference from the frozen probe."
    )
    assert _baseline_note(three, "binary").startswith("Better than the majority class and TF-IDF")
    assert _baseline_note((compared("majority", "worse"),), "regression").startswith("The simpler median did better")
