"""Verdicts on learning curves that are written down: each rule, and what must not set it off."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.learning.course import Facts
from tunewright.learning.diagnosis import ADVICE, diagnose, with_more_rows
from tunewright.records import Diagnosis, Epoch, LearningCurve, Score, TrainedModel, from_json, to_json

FACTS = Facts(
    metric="accuracy",
    perfect=1.0,
    blind=0.2,
    error=0.015,
    train_error=0.015,
    validation_rows=600,
    effective_rows=3000.0,
    trainable=10_000_000,
    suspects=0.02,
    epochs=4,
)


def curve(valid, train, *, losses=None, validation_losses=None, running=None, suspects=None, jumps=None):
    """Epochs from the metrics on validation and on train rows, the probe's first."""
    n = len(valid)
    losses = losses or [0.6 / (1 + e) for e in range(n)]
    return tuple(
        Epoch(
            epoch=e,
            train_loss=(running or losses)[e],
            validation_loss=(validation_losses or [0.5] * n)[e],
            metric=valid[e],
            seconds=float(e),
            train_metric=train[e],
            sample_loss=losses[e],
            suspect_loss=suspects[e] if suspects else None,
            other_loss=losses[e] if suspects else None,
            updates=40,
            jumps=jumps[e] if jumps else 0,
        )
        for e in range(n)
    )


RISING = [0.90, 0.93, 0.95, 0.95, 0.955]
FULL = [0.96, 0.98, 0.99, 1.0, 1.0]


@pytest.mark.parametrize(
    ("verdict", "seen", "facts"),
    [
        ("good", curve(RISING, FULL), FACTS),
        # The losses part while the metric holds: confidence, not overfitting.
        ("good", curve(RISING, FULL, validation_losses=[0.3, 0.4, 0.6, 0.9, 1.4]), FACTS),
        ("good", curve([0.95] * 5, [0.97, 0.99, 1.0, 1.0, 1.0]), FACTS),
        ("good", curve([0.90, 0.86, 0.94, 0.95, 0.95], [0.95, 0.93, 0.97, 0.99, 1.0]), FACTS),  # a dip at the start
        ("good", curve([0.95, 0.94, 0.93, 0.94], FULL[:4]), FACTS),  # less, within noise
        ("good", curve([0.82], [0.88]), replace(FACTS, epochs=0)),
        ("overfit", curve([0.90, 0.93, 0.92, 0.88, 0.87], FULL), FACTS),
        ("overfit", curve([0.60, 0.61, 0.60, 0.61, 0.61], [0.9, 0.97, 1.0, 1.0, 1.0]), FACTS),
        ("overfit", curve([0.60], [1.0]), replace(FACTS, epochs=0)),
        ("underfit", curve([0.60, 0.64, 0.70, 0.74, 0.80], [0.6, 0.66, 0.72, 0.78, 0.84]), FACTS),
        ("underfit", curve([0.40], [0.43]), replace(FACTS, epochs=0)),
        ("unstable", curve([0.90, 0.3, 0.2, 0.2], [0.95, 0.3, 0.2, 0.2], losses=[0.2, 9, 5, 3]), FACTS),
        ("unstable", curve([0.95] * 5, FULL, jumps=[0, 12, 0, 0, 0]), FACTS),
        ("good", curve([0.95] * 5, FULL, jumps=[0, 4, 1, 0, 0]), FACTS),  # a confident probe that errs in some batches
        ("good", curve(RISING, FULL, jumps=[0, 12, 0, 0, 0]), FACTS),  # rough, and worth it
        ("learning nothing", curve([0.2, 0.22, 0.19], [0.24, 0.25, 0.26]), FACTS),
        ("learning nothing", curve([0.9] * 4, [0.93] * 4, losses=[0.3, 0.3, 0.299, 0.298]), FACTS),
        ("memorising noise", curve([0.2, 0.22, 0.19], [0.5, 0.8, 1.0]), FACTS),
        (
            "memorising noise",
            curve([0.7, 0.69, 0.66], [0.72, 0.85, 1.0], losses=[0.8, 0.5, 0.1], suspects=[3.0, 1.2, 0.3]),
            replace(FACTS, suspects=0.3),
        ),
        # The same few doubtful labels that any hard clean set has.
        ("good", curve([0.7, 0.72, 0.71], [0.72, 0.8, 0.85], suspects=[3.0, 1.2, 0.3]), replace(FACTS, suspects=0.05)),
    ],
)
def test_verdicts(verdict, seen, facts):
    found = diagnose(seen, facts)
    assert found.verdict == verdict, found
    assert found.evidence and found.action and set(found.advice) <= set(ADVICE)
    assert from_json(Diagnosis, to_json(found)) == found
    assert (found.advice == ()) == (verdict == "good")


def test_overfitting_names_its_first_epoch_and_what_was_kept():
    found = diagnose(curve([0.90, 0.95, 0.94, 0.88, 0.87], FULL), FACTS)
    assert (found.verdict, found.epoch) == ("overfit", 3)
    assert "epoch 3" in found.text and "epoch 1 was kept" in found.action
    stopped = diagnose(curve([0.90, 0.95, 0.90, 0.88], FULL[:4]), FACTS)
    assert "stopped early, after epoch 3 of 4" in stopped.action


def test_batches_that_tell_their_labels_are_named():
    told = curve([0.9, 0.4, 0.3], [0.95, 0.4, 0.3], losses=[0.2, 2.0, 2.2], running=[0.2, 0.3, 0.2])
    found = diagnose(told, FACTS)
    assert found.verdict == "unstable" and found.advice == ("shuffle",)
    assert "batches tell their labels" in " ".join(found.evidence)


def test_a_lower_metric_may_be_better():
    """A mean absolute error: blind 1.0, perfect 0."""
    facts = replace(FACTS, metric="mean_absolute_error", perfect=0.0, blind=1.0, error=0.02, train_error=0.02)
    assert diagnose(curve([0.3, 0.25, 0.24], [0.3, 0.2, 0.15]), facts).verdict == "good"
    assert diagnose(curve([0.30, 0.25, 0.45], [0.3, 0.2, 0.1]), facts).verdict == "overfit"


def test_before_the_end_one_bad_epoch_is_no_verdict():
    seen = curve([0.90, 0.4], [0.96, 0.4])
    assert diagnose(seen, FACTS, ended=False).verdict == "good"
    assert diagnose(seen, FACTS).verdict == "unstable"
    assert diagnose(curve([0.90, 0.4, 0.3], [0.96, 0.4, 0.3]), FACTS, ended=False).verdict == "unstable"


def test_few_validation_rows_show_little_and_it_says_so():
    facts = replace(FACTS, error=0.12, train_error=0.1, validation_rows=9)
    found = diagnose(curve([0.7, 0.6, 0.7], [0.9, 0.95, 1.0]), facts)
    assert found.verdict == "good" and "9 validation rows" in found.text
    # Not shown to be better than blind is not shown to be blind.
    found = diagnose(curve([0.45, 0.45, 0.45], [0.7, 0.75, 0.8]), facts)
    assert found.verdict == "good", found


def test_more_rows_are_advised_where_they_help_and_not_where_they_do_not():
    found = diagnose(curve([0.60] * 3, [0.9, 0.97, 1.0]), FACTS)
    gain = Score(value=0.03, low=0.01, high=0.05, n=600)
    known = LearningCurve(metric="accuracy", rows=(1,), scores=(gain,), extra=1000, gain=gain, text="It would.")
    assert with_more_rows(found, known).advice[0] == "more_data"
    assert "It would" in with_more_rows(found, known).evidence
    useless = replace(known, gain=replace(gain, low=-0.01), text="It would not.")
    assert "more_data" not in with_more_rows(found, useless).advice


def test_models_of_an_older_release_load():
    old = {"method": "full", "kept": "probe", "why": "", "metric": "accuracy", "candidates": {}, "best_epoch": 0}
    old |= {"parameters": 1, "trainable": 1, "precision": "float32", "digest": ""}
    line = {"epoch": 0, "train_loss": 1.0, "validation_loss": 1.0, "metric": 0.5, "seconds": 0.0}
    model = from_json(TrainedModel, old | {"history": [line]})
    assert model.diagnosis is None and model.learning_curve is None and model.history[0].train_metric is None
    assert diagnose(model.history, FACTS).verdict in ("good", "underfit")


SHARES = st.floats(0.0, 1.0)


@given(st.lists(st.tuples(SHARES, SHARES, st.floats(0.0, 20.0), st.integers(0, 40)), min_size=1, max_size=8))
def test_any_curve_has_one_verdict_with_evidence(points):
    valid, train, losses, jumps = (list(column) for column in zip(*points, strict=True))
    seen = curve(valid, train, losses=losses, jumps=jumps)
    for ended in (True, False):
        found = diagnose(seen, FACTS, ended=ended)
        assert found.text.endswith(".") and found.evidence


@given(st.lists(SHARES, min_size=2, max_size=8), st.floats(-3, 3), st.floats(0.1, 50))
def test_the_unit_of_the_metric_does_not_matter(valid, shift, scale):
    """A metric moved and stretched, with its blind and perfect values and its error, has the same verdict."""
    seen = curve(valid, [min(v + 0.1, 1.0) for v in valid])
    facts = replace(
        FACTS,
        perfect=scale + shift,
        blind=0.2 * scale + shift,
        error=0.015 * scale,
        train_error=0.015 * scale,
    )
    moved = tuple(
        replace(e, metric=e.metric * scale + shift, train_metric=(e.train_metric or 0) * scale + shift) for e in seen
    )
    # Values that lie on a threshold may fall to either side of it by rounding.
    if diagnose(seen, FACTS).verdict != diagnose(moved, facts).verdict:
        nearly = {diagnose(seen, replace(FACTS, error=e, train_error=e)).verdict for e in (0.01499, 0.01501)}
        assert diagnose(moved, facts).verdict in nearly


@pytest.mark.parametrize(("means", "kept"), [([None, None, 0.97, 0.99, 0.96], 3), ([None, None, 0.97, 0.99, 0.2], 3)])
def test_a_mean_of_the_weights_that_was_kept_is_told(means, kept):
    seen = [replace(epoch, average_metric=mean) for epoch, mean in zip(curve(RISING, FULL), means, strict=True)]
    assert diagnose(seen, FACTS).action == f"All 4 epochs ran; the mean of the weights after epoch {kept} was kept."


def test_a_mean_that_is_no_better_than_an_epoch_was_not_kept():
    seen = [
        replace(epoch, average_metric=mean) for epoch, mean in zip(curve(RISING, FULL), [0.0, 0.0, None, 0.955, 0.9])
    ]
    assert diagnose(seen, FACTS).action == "All 4 epochs ran; epoch 4 was kept."
