"""Which trials are given up: asked at powers of two, never with too few to compare with, never the best."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.records import Trial
from tunewright.search.pruning import lags


def stood(values, step=1, **more):
    """Trials that stood at these values after `step` epochs."""
    given = {"params": {}, "score": None, "seconds": 1.0, "state": "pruned", **more}
    return [Trial(number=n, steps=((0, 0.0), (step, value)), **given) for n, value in enumerate(values)]


@given(st.lists(st.floats(-1, 1), max_size=30), st.integers(0, 40), st.floats(-1, 1))
def test_the_rule_by_counting(values, step, value):
    found = lags(stood(values, max(step, 1)), step, value)
    asked = step in (1, 2, 4, 8, 16, 32)
    ranked = sorted([*values, value], reverse=True)
    assert found == (asked and len(ranked) >= 4 and ranked.index(value) >= len(ranked) / 2)


@pytest.mark.parametrize("step", [-1, 0, 3, 5, 6, 7, 9, 12])
def test_only_powers_of_two_are_asked(step):
    assert not lags(stood([1.0] * 10, step), step, 0.0)


@given(st.lists(st.floats(-1, 1), min_size=3, max_size=20))
def test_the_best_goes_on(values):
    assert not lags(stood(values), 1, max(values))


def test_about_half_go_on():
    values = [n / 40 for n in range(40)]
    gone = sum(lags(stood(values[:n] + values[n + 1 :]), 1, values[n]) for n in range(40))
    assert 18 <= gone <= 22


def test_equal_trials_all_go_on():
    assert not lags(stood([0.5] * 20), 1, 0.5)


def test_trials_are_compared_where_both_have_been():
    past = stood([0.9] * 10, 2)
    assert not lags(past, 1, 0.1) and lags(past, 2, 0.1)


def test_failed_trials_do_not_count():
    """Had they counted, one could be given up for a trial that never came to a score."""
    assert lags(stood([0.9] * 5), 1, 0.1)
    assert not lags(stood([0.9] * 5, state="failed"), 1, 0.1)
