"""Evidence over many looks: what chance can do to it, and how fast it grows."""

import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad

from tunewright.living.sequence import Evidence, bet


def test_a_bet_is_fair_at_best():
    mean, _ = quad(lambda t: bet(math.exp(-t)) * math.exp(-t), 0, 27)  # p = exp(-t) down to where it is clipped
    assert 0.9 < mean <= 1.0


def follow(p_values, found=Evidence()):  # noqa: B008
    for p_value in p_values:
        found = found.after(p_value)
    return found


@given(st.lists(st.floats(0, 1), max_size=30))
@settings(deadline=None)
def test_wealth_never_falls_under_its_start(p_values):
    found = follow(p_values)
    assert found.wealth >= 1 and found.batches == len(p_values)


def test_alarms_by_chance_are_as_rare_as_promised():
    draw = np.random.default_rng(0)
    waited = []
    for _ in range(200):
        evidence = Evidence()
        while evidence.wealth < 20 and evidence.batches < 400:
            evidence = evidence.after(draw.random())
        waited.append(evidence.batches)
    assert np.mean(waited) >= 20


def test_drift_shows_after_few_batches():
    assert follow([0.3, 0.01, 0.002]).wealth > 20
