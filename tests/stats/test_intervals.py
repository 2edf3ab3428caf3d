import math
import tracemalloc
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.errors import DataError
from tunewright.records import Score
from tunewright.stats import bootstrap_weights, figure, percentile_interval, rounded, wilson
from tunewright.stats.intervals import critical


@given(
    st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))), st.sampled_from([0.8, 0.95, 0.99])
)
def test_wilson_ends_solve_the_score_equation(case, level):
    successes, n = case
    z = NormalDist().inv_cdf((1 + level) / 2)
    score = wilson(successes, n, level=level)
    assert 0 <= score.low <= score.value <= score.high <= 1
    assert score.high > score.low
    for end in (score.low, score.high):
        # Wilson's interval is where (p_hat - p)^2 = z^2 p (1 - p) / n.
        assert (score.value - end) ** 2 == pytest.approx(z * z * end * (1 - end) / n, abs=1e-9)


@pytest.mark.parametrize(("successes", "n"), [(1, 0), (-1, 3), (4, 3)])
def test_wilson_refuses_impossible_counts(successes, n):
    with pytest.raises(DataError):
        wilson(successes, n)


@pytest.mark.parametrize("level", [0.0, 1.0, 95])
def test_critical_refuses_a_level_that_is_no_share(level):
    with pytest.raises(DataError):
        critical(level)


@given(st.lists(st.integers(-1, 4), min_size=1, max_size=60), st.integers(0, 5))
def test_weights_keep_every_stratum_at_its_size(strata, seed):
    strata = np.array(strata)
    weights = np.concatenate(list(bootstrap_weights(len(strata), strata=strata, rounds=20, seed=seed)))
    assert weights.dtype == np.float32
    assert weights.shape == (20, len(strata))
    assert (weights == np.floor(weights)).all() and (weights >= 0).all()
    for code in np.unique(strata):
        assert (weights[:, strata == code].sum(axis=1) == (strata == code).sum()).all()


def test_weights_are_the_same_whatever_the_block_size(monkeypatch):
    strata = np.arange(50) % 3
    whole = np.concatenate(list(bootstrap_weights(50, strata=strata, rounds=30, seed=4)))
    monkeypatch.setattr("tunewright.stats.intervals._BLOCK_CELLS", 50 * 7)
    blocks = list(bootstrap_weights(50, strata=strata, rounds=30, seed=4))
    assert [len(block) for block in blocks] == [7, 7, 7, 7, 2]
    assert np.array_equal(whole, np.concatenate(blocks))
    assert not np.array_equal(whole, np.concatenate(list(bootstrap_weights(50, strata=strata, rounds=30, seed=5))))


def test_weights_are_multinomial():
    n, rounds = 12, 40_000
    weights = np.concatenate(list(bootstrap_weights(n, rounds=rounds, seed=1)))
    assert weights.mean(axis=0) == pytest.approx(np.ones(n), abs=5 * math.sqrt(1 / rounds))
    assert weights.var(axis=0) == pytest.approx(np.full(n, 1 - 1 / n), rel=0.06)
    covariance = np.cov(weights[:, 0], weights[:, 1])[0, 1]
    assert covariance == pytest.approx(-1 / n, abs=0.02)


def test_weights_stay_within_their_memory():
    tracemalloc.start()
    for _ in bootstrap_weights(40_000, strata=np.arange(40_000) % 7, rounds=120):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 64e6


def test_weights_refuse_strata_of_another_length():
    with pytest.raises(DataError):
        list(bootstrap_weights(3, strata=np.zeros(4, dtype=int)))
    with pytest.raises(DataError):
        list(bootstrap_weights(0))


def test_percentile_interval_leaves_undefined_values_out():
    values = np.random.default_rng(0).normal(size=5001)
    low, high = percentile_interval(np.concatenate([values, [np.nan, np.inf]]), 0.95)
    assert (low, high) == pytest.approx((np.sort(values)[125], np.sort(values)[4875]))
    with pytest.raises(DataError):
        percentile_interval([np.nan])


@pytest.mark.parametrize(
    ("score", "text"),
    [
        (Score(value=0.5, low=0.5, high=0.5, n=1), "0.500 (0.500–0.500, n 1)"),
        (Score(value=0.99971, low=0.99951, high=0.99989, n=12), "0.99971 (0.99951–0.99989, n 12)"),
        (Score(value=-0.1, low=-0.4, high=0.2, n=9), "-0.10 (-0.40 to 0.20, n 9)"),
        (Score(value=-0.001, low=-1.0, high=5.0, n=9), "0.0 (-1.0 to 5.0, n 9)"),
        (Score(value=1.2e7, low=1.1e7, high=1.3e7, n=9), "12,000,000 (11,000,000–13,000,000, n 9)"),
    ],
)
def test_rounded_shows_what_the_interval_supports(score, text):
    assert rounded(score) == text


def test_rounded_does_not_hide_the_side_of_a_threshold():
    score = Score(value=0.912, low=0.89996, high=0.921, n=3080)
    assert rounded(score) == "0.912 (0.900–0.921, n 3,080)"
    assert rounded(score, beside=0.9) == "0.91200 (0.89996–0.92100, n 3,080)"


def test_small_units_are_not_rounded_to_nothing():
    said = rounded(Score(value=3.2e-10, low=2.9e-10, high=3.6e-10, n=50))
    assert said == "3.2e-10 (2.9e-10 to 3.6e-10, n 50)"
    assert rounded(Score(value=0.0, low=-1.1e-16, high=1.1e-16, n=50)) == "0.000 (0.000 to 0.000, n 50)"
    assert figure(1.25e-7) == "1.25e-07" and figure(12.3456) == "12.346"
