"""The statistics held to slow, plain computations; and what chance and planted drift do to the decision."""

import itertools

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from tunewright.living.drift import TESTS, Aspect, find_drift
from tunewright.living.drift.classifier import hat_matrix, left_out
from tunewright.living.drift.deciding import dealt
from tunewright.living.drift.distances import typical_distance
from tunewright.living.drift.novelty import nearest_rows, to_old
from tunewright.living.drift.numbers import AndersonDarling
from tunewright.living.drift.shares import GTest
from tunewright.living.drift.similarity import MeanDiscrepancy

OLD, NEW = 40, 25


def aspect(kind, values):
    return Aspect(name="x", kind=kind, values=np.asarray(values))


def examples():
    draw = np.random.default_rng(3)
    return {
        "number": np.round(draw.normal(size=OLD + NEW), 1),  # with ties
        "category": draw.integers(0, 4, OLD + NEW),
        "vector": draw.normal(size=(OLD + NEW, 5)),
    }


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.kind)
def test_every_test_is_nonnegative_and_larger_where_the_sides_differ(test):
    masks = dealt(OLD, NEW, 30, seed=0)
    same = examples()[test.reads]
    calm = test.prepare(aspect(test.reads, same))(masks)
    assert calm.shape == (31,) and (calm >= 0).all()
    moved = same.copy()
    moved[OLD:] = 4 if test.reads == "category" else moved[OLD:] + 6
    told = test.prepare(aspect(test.reads, moved))(masks)
    assert told[0] > 2 * told[1:].max()


@pytest.mark.parametrize("test", TESTS, ids=lambda test: test.kind)
def test_nothing_is_tested_where_all_values_are_equal(test):
    same = np.zeros_like(examples()[test.reads])
    assert test.prepare(aspect(test.reads, same)) is None


def test_anderson_darling_is_its_formula():
    values = examples()["number"]
    values[[0, 7, 50]] = np.nan
    (mask,) = dealt(OLD, NEW, 0, seed=0)
    found = AndersonDarling().prepare(aspect("number", values))(mask[None])
    filled = np.where(np.isnan(values), -99, values)
    rows, total = len(filled), 0.0
    for value in np.unique(filled)[:-1]:
        size, up_to = (filled == value).sum(), (filled <= value).sum()
        below = ((filled <= value) & mask).sum()
        total += size * (below * rows - NEW * up_to) ** 2 / (up_to * (rows - up_to))
    assert found[0] == pytest.approx(total / (OLD * NEW))


def test_the_g_test_is_the_likelihood_ratio_of_the_table():
    codes = examples()["category"]
    (mask,) = dealt(OLD, NEW, 0, seed=0)
    table = [[((codes == code) & side).sum() for code in range(4)] for side in (mask, ~mask)]
    expected = chi2_contingency(table, lambda_="log-likelihood", correction=False).statistic
    assert GTest(least=0).prepare(aspect("category", codes))(mask[None])[0] == pytest.approx(expected, rel=1e-5)


def test_the_discrepancy_is_that_of_all_pairs():
    vectors = examples()["vector"]
    (mask,) = dealt(OLD, NEW, 0, seed=0)
    squared = ((vectors[:, None] - vectors[None]) ** 2).sum(-1)
    unit = typical_distance(squared)
    kernel = (np.exp(-squared / (2 * unit)) + np.exp(-squared / (0.5 * unit))) / 2
    means = [[kernel[np.ix_(a, b)].mean() for b in (mask, ~mask)] for a in (mask, ~mask)]
    expected = (means[0][0] + means[1][1] - 2 * means[0][1]) * OLD * NEW / (OLD + NEW)
    assert MeanDiscrepancy().prepare(aspect("vector", vectors))(mask[None])[0] == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("width", [5, 90])
def test_left_out_answers_are_those_of_regressions_without_the_row(width):
    vectors = np.random.default_rng(1).normal(size=(OLD + NEW, width))
    (mask,) = dealt(OLD, NEW, 0, seed=0)
    found = left_out(mask[None], hat := hat_matrix(vectors, 0.1), np.diag(hat).astype(float))[0]
    x = (vectors - vectors.mean(0)) / np.sqrt(((vectors - vectors.mean(0)) ** 2).sum(1).mean())
    for row in (0, 30, 60):
        others = np.arange(len(x)) != row
        # The penalty and the middle of the vectors are those of all rows, as in the shortcut.
        design = np.column_stack([np.ones(len(x)), x])
        penalty = np.diag([0.0] + [0.1 * len(x)] * width)
        left = design[others]
        weights = np.linalg.solve(left.T @ left + penalty, left.T @ mask[others].astype(float))
        assert found[row] == pytest.approx(design[row] @ weights - mask.mean(), abs=2e-3)


def test_the_nearest_old_row_is_found_among_the_neighbours():
    vectors = examples()["vector"]
    squared = ((vectors[:, None] - vectors[None]) ** 2).sum(-1).astype(np.float32)
    (mask,) = dealt(OLD, NEW, 0, seed=0)
    found = to_old(mask, *nearest_rows(squared, 60))
    assert found == pytest.approx(squared[np.ix_(mask, ~mask)].min(1))


def rows_like(draw, count, shift=0.0):
    return {
        "number": draw.normal(size=count) + shift,
        "category": draw.choice(3, count, p=[0.6, 0.3, 0.1]),
        "vector": draw.normal(size=(count, 8)) + shift,
    }


def pooled(old, new):
    return [Aspect(name=kind, kind=kind, values=np.concatenate([old[kind], new[kind]])) for kind in old]


def test_chance_raises_the_alarm_as_often_as_the_level_says():
    draw = np.random.default_rng(0)
    alarms = 0
    for seed in range(120):
        found = find_drift(pooled(rows_like(draw, 60), rows_like(draw, 30)), TESTS, old=60, seed=seed, rounds=99)
        alarms += found.p_value <= 0.05
    assert alarms <= 13  # P(more | 5 %) = 0.004


def test_drift_is_found_and_named():
    draw = np.random.default_rng(1)
    old, new = rows_like(draw, 200), rows_like(draw, 100)
    new["number"] = new["number"] + 1.0
    found = find_drift(pooled(old, new), TESTS, old=200)
    assert found.p_value <= 0.01
    assert {one.aspect for one in found.tests if one.p_value <= 0.05} == {"number"}


def test_a_few_rows_of_a_new_kind_are_found():
    draw = np.random.default_rng(2)
    old, new = rows_like(draw, 400), rows_like(draw, 200)
    new["vector"][:20] = draw.normal(size=(20, 8)) * 0.3 + np.array([9.0, *[0] * 7])
    found = find_drift(pooled(old, new), TESTS, old=400)
    assert found.p_value <= 0.01
    assert "novelty" in {one.test for one in found.tests if one.p_value <= 0.05}


def test_drift_in_one_of_forty_columns_is_found():
    draw = np.random.default_rng(4)
    columns = draw.normal(size=(300, 40))
    columns[200:230, 7] += 3
    aspects = [Aspect(name=str(at), kind="number", values=column) for at, column in enumerate(columns.T)]
    found = find_drift(aspects, TESTS, old=200)
    assert found.p_value <= 0.01  # 40 of the 499 other choices are the largest in some column
    assert {one.aspect for one in found.tests if one.p_value <= 0.05} == {"7"}


def test_forty_columns_raise_no_more_alarms_than_one():
    draw = np.random.default_rng(6)
    alarms = 0
    for seed in range(100):
        aspects = [Aspect(name=str(at), kind="number", values=draw.normal(size=60)) for at in range(40)]
        alarms += find_drift(aspects, TESTS, old=40, seed=seed, rounds=99, ordered=False).p_value <= 0.05
    assert alarms <= 12  # P(more | 5 %) = 0.001


def wandering(draw, count, start=0.0):
    """A number that keeps close to where it was: windows of it differ though nothing changes."""
    steps = draw.normal(size=count)
    return np.array(list(itertools.accumulate(steps, lambda last, step: 0.97 * last + step, initial=start)))[1:]


def test_what_wanders_anyway_is_held_to_how_far_it_wanders():
    draw = np.random.default_rng(5)
    plain = held = 0
    for seed in range(20):
        series = wandering(draw, 600)
        found = [
            find_drift(
                [Aspect(name="n", kind="number", values=series)], TESTS, old=480, seed=seed, rounds=99, ordered=ordered
            )
            for ordered in (False, True)
        ]
        plain, held = plain + (found[0].p_value <= 0.05), held + (found[1].p_value <= 0.05)
    assert plain >= 15 and held <= 8


def test_seeds_repeat():
    old, new = rows_like(np.random.default_rng(0), 80), rows_like(np.random.default_rng(1), 40)
    runs = [find_drift(pooled(old, new), TESTS, old=80, seed=4) for _ in range(2)]
    assert runs[0] == runs[1]
