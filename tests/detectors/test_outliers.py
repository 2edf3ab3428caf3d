"""Impossible and isolated numbers, texts unlike the others; heavy tails and crossings of zero are left alone."""

import types

import numpy as np
import polars as pl
import pytest

from tunewright.detectors.outliers import Outliers


def rows_of(pose, values, name="x", **more):
    rng = np.random.default_rng(0)
    frame = pl.DataFrame({name: values, "other": rng.random(len(values)), "y": rng.choice(["a", "b"], len(values))})
    return pose(frame, **{name: "number"}, **more)


def lognormal(rows=400):
    return np.random.default_rng(3).lognormal(3, 1, rows).round(2)


def found(rows):
    return [finding for finding in Outliers().find(rows) if finding.columns != ("other",)]


def test_isolated_numbers_worst_first(pose):
    values = lognormal()
    values[[10, 50]] = 3e5, 9e5
    (finding,) = found(rows_of(pose, values))
    assert finding.rows == (50, 10) and list(finding.scores) == sorted(finding.scores, reverse=True)
    assert finding.severity == "warning" and finding.remedy == "clip" and "900,000, 300,000" in finding.evidence


@pytest.mark.parametrize("heavy", ["pareto", "cauchy", "lognormal"])
def test_a_heavy_tail_is_no_fault(heavy, pose):
    rng = np.random.default_rng(5)
    draw = {"pareto": rng.pareto(1, 2000), "cauchy": rng.standard_cauchy(2000), "lognormal": rng.lognormal(0, 2, 2000)}
    assert found(rows_of(pose, draw[heavy])) == []


def test_negative_amounts_are_impossible(pose):
    values = lognormal()
    values[[7, 9, 200]] = -50.0, -20.0, -50.0
    (finding,) = found(rows_of(pose, values))
    assert finding.rows == (7, 200, 9) and "below zero" in finding.evidence and "-50 (2 times)" in finding.evidence


def test_a_slope_that_crosses_zero_is_no_limit(pose):
    degrees = np.random.default_rng(0).normal(14, 6, 3000)
    assert 0 < (degrees < 0).mean() < 0.02
    assert found(rows_of(pose, degrees)) == []


def test_minus_one_is_left_to_the_missing_values(pose):
    counts = np.random.default_rng(0).integers(0, 3000, 400).astype(float)
    counts[[5, 6, 7]] = -1
    assert found(rows_of(pose, counts)) == []


@pytest.mark.parametrize(
    ("name", "value", "hit"), [("discount_percent", 140.0, 1), ("age", 199.0, 1), ("score", 140.0, 0)]
)
def test_what_a_name_allows(name, value, hit, pose):
    values = np.random.default_rng(0).uniform(1, 99, 400).round(0)
    values[33] = value
    findings = [f for f in found(rows_of(pose, values, name=name)) if "above" in f.evidence]
    assert [f.rows for f in findings] == [(33,)] * hit


def test_limits_come_from_rows_that_are_not_test_rows(pose):
    values = lognormal()
    values[300:] = 1e6
    parts = ["train"] * 200 + ["validation"] * 100 + ["test"] * 100
    (finding,) = found(rows_of(pose, values, parts=parts))
    assert set(finding.rows) == set(range(300, 400))


def test_few_numbers_or_few_values_say_nothing(pose):
    assert found(rows_of(pose, [1.0, 2.0, 3.0] * 8 + [1e9])) == []
    assert found(rows_of(pose, [0.0, 1.0] * 200)) == []


def test_texts_of_another_length(pose):
    rng = np.random.default_rng(0)
    texts = [" ".join(["word"] * int(n)) for n in rng.integers(5, 30, 400)]
    texts[17] = "word " * 4000
    frame = pl.DataFrame({"text": texts, "y": rng.choice(["a", "b"], 400)})
    (finding,) = Outliers().find(pose(frame, text="text"))
    assert finding.rows == (17,) and "20,000" in finding.evidence and finding.remedy is None


def test_texts_unlike_all_others_by_their_vectors(pose):
    rng = np.random.default_rng(0)
    texts = [f"message number {row} of several" for row in range(400)]
    base = pose(pl.DataFrame({"text": texts, "y": rng.choice(["a", "b"], 400)}), text="text")
    vectors = np.concatenate([np.ones((400, 1)), 0.2 * rng.normal(size=(400, 15)), np.zeros((400, 8))], 1)
    vectors[60, :16], vectors[60, 16:] = 0.0, 1.0
    learned = types.SimpleNamespace(rows=base.used, features=vectors.astype(np.float32), width=24)
    rows = pose(pl.DataFrame({"text": texts, "y": base.typed["y"]}), text="text", learned=lambda: learned)
    (finding,) = Outliers().find(rows)
    assert finding.rows == (60,) and "unlike all others" in finding.evidence
