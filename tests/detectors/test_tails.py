"""The end of a distribution's body: rarely a false one, however heavy the tail, and true ones are found."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.detectors.tails import lower_tail, upper_tail

DRAWS = {
    "normal": lambda rng, n: rng.normal(size=n),
    "uniform": lambda rng, n: rng.random(n),
    "exponential": lambda rng, n: rng.exponential(size=n),
    "lognormal": lambda rng, n: rng.lognormal(0, 1, n),
    "wide lognormal": lambda rng, n: rng.lognormal(0, 2, n),
    "pareto 1": lambda rng, n: rng.pareto(1, n),
    "cauchy": lambda rng, n: rng.standard_cauchy(n),
    "counts": lambda rng, n: rng.poisson(0.3, n).astype(float),
    "stars": lambda rng, n: rng.integers(1, 6, n).astype(float),
    "mostly zero": lambda rng, n: np.where(rng.random(n) < 0.7, 0, rng.lognormal(3, 1, n)),
}


@pytest.mark.parametrize("name", DRAWS)
def test_false_alarms_are_rare(name):
    rng = np.random.default_rng(0)
    alarms = 0
    for _ in range(60):
        values = DRAWS[name](rng, 1000)
        alarms += bool((values >= upper_tail(values).bound).any()) + bool((-values >= lower_tail(values).bound).any())
    assert alarms <= 3


@pytest.mark.parametrize("name", ["normal", "uniform", "exponential", "lognormal", "stars", "mostly zero"])
def test_values_in_another_unit_are_found(name):
    """A thousand times too large, as grams for kilograms."""
    rng = np.random.default_rng(1)
    values = DRAWS[name](rng, 1000)
    wrong = 1000 * np.abs(values).max() * rng.uniform(0.2, 1, 5)
    tail = upper_tail(np.append(values, wrong))
    assert (wrong >= tail.bound).all() and not (values >= tail.bound).any() and tail.end == values.max()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 1000), st.floats(1e-3, 1e3), st.floats(-100, 100), st.sampled_from(sorted(DRAWS)))
def test_scale_and_place_do_not_matter(seed, scale, place, name):
    values = np.append(DRAWS[name](np.random.default_rng(seed), 300), 500.0)
    before, after = upper_tail(values), upper_tail(values * scale + place)
    assert ((values >= before.bound) == (values * scale + place >= after.bound * (1 - 1e-9))).all() or np.isclose(
        before.bound * scale + place, after.bound, rtol=1e-6
    )


def test_few_values_say_nothing():
    assert upper_tail(np.array([1.0, 2.0, 1e9])).bound == np.inf
    assert upper_tail(np.zeros(0)).bound == np.inf
    assert upper_tail(np.ones(1000)).bound == np.inf


def test_surprise_grows_with_distance():
    tail = upper_tail(np.random.default_rng(0).normal(size=1000))
    near, far, inside = tail.nats(np.array([10.0, 20.0, 0.0]))
    assert inside == 0 < near < far
