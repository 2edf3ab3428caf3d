"""Every gate opens and closes where it says; one closed gate is enough."""

import pytest

from tunewright.living import gates
from tunewright.records import Compared, ComparedSlice, Gate, Score


def score(value, low, high):
    return Score(value=value, low=low, high=high, n=200)


def compared(verdict="better", value=0.03, *, metric="accuracy", slices=()):
    gap = score(value, value - 0.02, value + 0.02)
    return Compared(
        metric=metric,
        a="the challenger",
        b="the champion",
        rows=200,
        left_out=0,
        scores={},
        difference=gap,
        p_value=0.01,
        tried=1,
        p_adjusted=0.01,
        verdict=verdict,
        text=f"said {verdict}.",
        slices=slices,
    )


def part(verdict):
    return ComparedSlice(
        condition="channel == 'phone'", rows=50, protected=True, metric="accuracy", verdict=verdict, difference=None
    )


def test_labels_that_the_champion_contradicts_are_not_believed_without_a_word():
    sure, poor = score(0.92, 0.88, 0.95), score(0.55, 0.48, 0.62)
    assert not gates.labels_gate(sure, poor, trusted=False).passed
    assert "--trust-labels" in gates.labels_gate(sure, poor, trusted=False).detail
    assert gates.labels_gate(sure, poor, trusted=True).passed
    assert gates.labels_gate(sure, score(0.86, 0.8, 0.9), trusted=False).passed
    assert gates.labels_gate(None, poor, trusted=False).passed


def test_better_on_the_new_rows_or_on_all():
    same = compared("no evidence", 0.0)
    assert gates.better_gate(compared(), same).passed
    assert gates.better_gate(same, compared()).passed
    assert gates.better_gate(None, compared()).passed
    assert not gates.better_gate(same, same).passed


@pytest.mark.parametrize(
    ("verdict", "value", "metric", "passed"),
    [
        ("no evidence", -0.01, "accuracy", True),
        ("no evidence", -0.05, "accuracy", False),  # too few rows to show it is no excuse
        ("worse", -0.015, "accuracy", False),
        ("better", 0.1, "accuracy", True),
        ("no evidence", -3.0, "root_mean_squared_error", True),  # in units of the target: two points mean nothing
    ],
)
def test_what_was_known_is_kept(verdict, value, metric, passed):
    assert gates.old_rows_gate(compared(verdict, value, metric=metric)).passed is passed


def test_new_rows_and_protected_slices():
    assert gates.new_rows_gate(None, rows=12).passed and "too few" in gates.new_rows_gate(None, rows=12).detail
    assert not gates.new_rows_gate(compared("worse"), rows=90).passed
    assert gates.protected_gate([compared()]).passed
    assert gates.protected_gate([compared(slices=(part("no evidence"),))]).passed
    closed = gates.protected_gate([compared(), compared(slices=(part("worse"),))])
    assert not closed.passed and "channel == 'phone'" in closed.detail


def test_behaviours_parity_and_limits():
    assert gates.behaviours_gate(["a", "b"], ["b"]).passed
    assert not gates.behaviours_gate(["a"], ["a", "c"]).passed
    assert gates.parity_gate({"passed": True, "rows": 5}).passed and not gates.parity_gate({}).passed
    assert gates.limits_gate({"size_mb": 40.0}, {"size_mb": 60.0}).passed
    over = gates.limits_gate({"size_mb": 70.0, "latency_ms": 3.0}, {"size_mb": 60.0, "latency_ms": 5.0})
    assert not over.passed and over.detail == "Over the limit: size_mb 70 of 60."


def test_one_closed_gate_is_enough():
    opened = Gate(name="parity", passed=True, detail="fine.")
    assert gates.verdict_of([opened], metric="f1_macro")[0]
    passed, why = gates.verdict_of([opened, Gate(name="limits", passed=False, detail="Over.")], metric="f1_macro")
    assert not passed and why == "Limits: Over."
