import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.errors import DataError
from tunewright.stats import mcnemar, rows_needed, smallest_detectable_difference


@given(st.integers(20, 50_000), st.floats(0.5, 0.99), st.floats(0.0, 0.9))
def test_rows_and_difference_are_inverses(n, p, correlation):
    smallest = smallest_detectable_difference(n, p=p, correlation=correlation)
    assert rows_needed(smallest, p=p, correlation=correlation) <= n
    assert rows_needed(smallest * 0.999, p=p, correlation=correlation) >= n


def test_the_promised_power_is_what_simulated_tests_reach():
    n, p, correlation = 1500, 0.9, 0.5
    difference = smallest_detectable_difference(n, p=p, correlation=correlation)
    discordant = 2 * p * (1 - p) * (1 - correlation)
    rng = np.random.default_rng(0)
    shown = 0
    for _ in range(600):
        u = rng.random(n)
        only_a = u < (discordant + difference) / 2
        only_b = (u > 1 - (discordant - difference) / 2) & ~only_a
        shown += mcnemar(~only_b, ~only_a) < 0.05
    assert 0.72 < shown / 600 < 0.85  # the exact test gives away a little of the 0.80


def test_more_rows_or_more_agreement_show_smaller_differences():
    assert smallest_detectable_difference(4000, p=0.9) < smallest_detectable_difference(1000, p=0.9)
    close = smallest_detectable_difference(1000, p=0.9, correlation=0.9)
    assert close < smallest_detectable_difference(1000, p=0.9)
    assert smallest_detectable_difference(2, p=0.9) == 1.0
    assert rows_needed(-0.02, p=0.9) == rows_needed(0.02, p=0.9)


def test_power_refuses_what_is_out_of_range():
    with pytest.raises(DataError):
        smallest_detectable_difference(0, p=0.9)
    for bad in ({"p": 1.5}, {"p": 0.9, "power": 1.0}, {"p": 0.9, "correlation": 1.0}):
        with pytest.raises(DataError):
            rows_needed(0.01, **bad)
    with pytest.raises(DataError):
        rows_needed(0.0, p=0.9)
