"""Surprise by range of values: held to a search through all ranges, to chance, and to what the other test finds."""

import time

import numpy as np
import pytest
from scipy.stats import chi2_contingency

from tunewright.living.drift import TESTS, Aspect, find_drift
from tunewright.living.drift.deciding import dealt
from tunewright.living.drift.intervals import IntervalScan
from tunewright.living.drift.numbers import AndersonDarling

BEFORE = (AndersonDarling(),)
NOW = tuple(test for test in TESTS if test.reads == "number")


def number(values, name="x"):
    return Aspect(name=name, kind="number", values=np.asarray(values, np.float64))


def surprise(inside, mask):
    """What one range says, by scipy's likelihood ratio of its table."""
    table = [[(inside & side).sum(), (~inside & side).sum()] for side in (mask, ~mask)]
    found = chi2_contingency(table, lambda_="log-likelihood", correction=False).statistic
    share = inside.mean()
    return found + 2 * np.log(share * (1 - share))


def slowly(values, mask):
    """The largest surprise of any range between any two values, each looked at on its own."""
    values = np.where(np.isfinite(values), values, -1e9)
    different = np.unique(values)
    ranges = [(values >= low) & (values <= high) for low in different for high in different if low <= high]
    return max(surprise(inside, mask) for inside in ranges if not inside.all())


def columns(draw, rows):
    return {
        "all different": draw.normal(size=rows),
        "few values": np.round(draw.normal(size=rows) * 2),
        "with empty cells": np.where(draw.random(rows) < 0.2, np.nan, draw.normal(size=rows)),
        "two values": draw.integers(0, 2, rows).astype(float),
    }


@pytest.mark.parametrize("kind", ["all different", "few values", "with empty cells", "two values"])
def test_with_an_end_at_every_row_it_is_the_best_of_all_ranges(kind):
    draw = np.random.default_rng(3)
    values = columns(draw, 45)[kind]
    masks = dealt(27, 18, 4, seed=1)
    found = IntervalScan(grid=45).prepare(number(values))(masks)
    assert found == pytest.approx([max(slowly(values, mask), 0) for mask in masks], abs=1e-9)


@pytest.mark.parametrize("kind", ["all different", "few values", "with empty cells", "two values"])
def test_every_range_holds_whole_values_and_is_neither_empty_nor_everything(kind):
    values = np.sort(np.nan_to_num(columns(np.random.default_rng(4), 900)[kind], nan=-9))
    stops = np.append(0, np.flatnonzero(np.append(values[1:] != values[:-1], True)) + 1)
    first, last = IntervalScan().ranges(stops)
    assert len(set(zip(first.tolist(), last.tolist(), strict=True))) == len(first)
    assert (last > first).all() and (last - first < 900).all()
    assert set(first.tolist()) | set(last.tolist()) <= set(stops.tolist())
    assert 0 in first and 900 in last
    if kind == "all different":
        assert 400 <= len(first) <= 1000
        assert min(last[first == 0]) <= 8 and 900 - max(first[last == 900]) <= 8  # thin tails are looked at


def test_it_knows_ranks_alone_and_neither_side_from_the_other():
    values, masks = columns(np.random.default_rng(8), 120)["with empty cells"], dealt(80, 40, 6, seed=2)
    found = IntervalScan().prepare(number(values))(masks)
    assert IntervalScan().prepare(number(np.exp(values)))(masks) == pytest.approx(found)
    assert IntervalScan().prepare(number(values))(~masks) == pytest.approx(found)
    assert (found > 0).any()


def test_a_value_that_repeats_is_a_range_of_its_own():
    values = np.sort(np.append(np.linspace(0, 1, 990), [0.4567] * 10))
    stops = np.append(0, np.flatnonzero(np.append(values[1:] != values[:-1], True)) + 1)
    first, last = IntervalScan().ranges(stops)
    start = int((values < 0.4567).sum())
    assert (start, start + 10) in set(zip(first.tolist(), last.tolist(), strict=True))


def test_chance_raises_the_alarm_as_often_as_the_level_says():
    draw, alarms = np.random.default_rng(0), 0
    for seed in range(300):
        kind = ("all different", "few values", "with empty cells")[seed % 3]
        aspect = number(columns(draw, 150)[kind])
        found = find_drift([aspect], (IntervalScan(),), old=90, seed=seed, rounds=99, ordered=False)
        alarms += found.p_value <= 0.05
    assert 5 <= alarms <= 27  # of 300 at 5 %: P(fewer) = 0.003, P(more) = 0.002


def test_two_tests_of_a_number_raise_no_more_alarms_than_one():
    draw, alarms = np.random.default_rng(1), 0
    for seed in range(200):
        aspects = [number(values, name) for name, values in columns(draw, 150).items()]
        alarms += find_drift(aspects, NOW, old=100, seed=seed, rounds=99, ordered=False).p_value <= 0.05
    assert alarms <= 19  # P(more | 5 %) = 0.002


OTHERS = {
    "reads high": lambda draw, count: 3 + 0.5 * draw.normal(size=count),
    "is stuck": lambda draw, count: np.zeros(count),
    "another kind": lambda draw, count: 1 + 0.05 * draw.normal(size=count),
}


def alarms_of(tests, other, draws, share=0.1):
    """How often a tenth of 500 new rows of one of four columns is found."""
    found = 0
    for seed in range(draws):
        draw = np.random.default_rng([seed, 7])
        values = draw.normal(size=(1500, 4))
        count = round(500 * share)
        values[1000 : 1000 + count, 2] = other(draw, count)
        aspects = [number(column, str(at)) for at, column in enumerate(values.T)]
        found += find_drift(aspects, tests, old=1000, seed=seed, rounds=99, ordered=False).p_value <= 0.05
    return found


@pytest.mark.parametrize("other", OTHERS.values(), ids=OTHERS)
def test_a_tenth_of_the_rows_that_moved_is_found(other):
    draws = 12
    before, now = (alarms_of(tests, other, draws) for tests in (BEFORE, NOW))
    assert now >= max(before, draws - 1)


def test_it_finds_what_the_distribution_functions_hardly_show():
    draws = 12
    assert alarms_of(NOW, OTHERS["is stuck"], draws) >= alarms_of(BEFORE, OTHERS["is stuck"], draws) + 4


def test_what_moved_as_a_whole_is_still_found():
    draw, found = np.random.default_rng(5), 0
    for seed in range(12):
        values = draw.normal(size=(600, 4))
        values[400:, 1] += 0.35
        aspects = [number(column, str(at)) for at, column in enumerate(values.T)]
        found += find_drift(aspects, NOW, old=400, seed=seed, rounds=99, ordered=False).p_value <= 0.05
    assert found >= 9


def test_a_look_at_500_rows_stays_cheap():
    values = np.random.default_rng(6).normal(size=2500)
    masks = dealt(2000, 500, 499, seed=0)
    fastest = float("inf")
    for _ in range(3):
        started = time.process_time()
        IntervalScan().prepare(number(values))(masks)
        fastest = min(fastest, time.process_time() - started)
    assert fastest < 0.3  # seconds of a processor for one column, some 20 times what it takes on an idle machine


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda new: np.where(np.arange(len(new)) < 40, 7.5, new), "0.0% of the rows at 7.5 before, 20.0% now"),
        (lambda new: np.where(np.arange(len(new)) < 40, np.nan, new), "0.0% of the rows empty before, 20.0% now"),
    ],
)
def test_it_says_where(change, said):
    draw = np.random.default_rng(9)
    values = np.concatenate([draw.normal(size=400), change(draw.normal(size=200))])
    assert IntervalScan().where(number(values), 400) == said


def test_a_range_is_told_by_its_ends_and_its_shares():
    draw = np.random.default_rng(10)
    values = np.concatenate([draw.normal(size=400), draw.normal(size=200)])
    values[400:450] = 2 + 0.1 * draw.normal(size=50)
    told = IntervalScan().where(number(values), 400)
    low, high = (float(word) for word in told.split("between ")[1].split(" before")[0].split(" and "))
    assert 1.5 < low < 2 < high < 2.5
    inside = (values >= low - 1e-3) & (values <= high + 1e-3)
    before, now = (float(part.split("%")[0].split()[-1]) for part in (told, told.split(",")[1]))
    assert before == pytest.approx(100 * inside[:400].mean(), abs=0.5)
    assert now == pytest.approx(100 * inside[400:].mean(), abs=0.5) and now > 20


def test_nothing_is_told_where_all_values_are_equal():
    assert IntervalScan().where(number(np.ones(50)), 30) == ""
