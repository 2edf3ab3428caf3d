import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from tunewright.errors import DataError
from tunewright.stats import bootstrap_p_value, mcnemar, nadeau_bengio, paired_difference


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 5))
def test_mcnemar_is_the_binomial_test_of_the_discordant_rows(only_a, only_b, both):
    a = np.array([True] * only_a + [False] * only_b + [True] * (both + 1))
    b = np.array([False] * only_a + [True] * only_b + [True] * (both + 1))
    expected = stats.binomtest(only_a, only_a + only_b, 0.5).pvalue if only_a + only_b else 1.0
    assert mcnemar(a, b) == pytest.approx(expected, rel=1e-9)


def test_comparisons_refuse_other_rows():
    for function in (mcnemar, paired_difference):
        with pytest.raises(DataError):
            function([1, 0], [1, 0, 1])
        with pytest.raises(DataError):
            function([], [])
    with pytest.raises(DataError, match="Row 1 is not"):
        paired_difference([1.0, np.nan], [1.0, 2.0])


def test_bootstrap_p_value_counts_the_rarer_side():
    samples = [1.0] * 95 + [-1.0] * 4 + [np.nan] * 7
    assert bootstrap_p_value(samples) == pytest.approx(2 * 5 / 100)
    assert bootstrap_p_value(-np.array(samples)) == pytest.approx(2 * 5 / 100)


def test_paired_difference_agrees_with_the_t_interval_of_many_rows():
    rng = np.random.default_rng(0)
    a = rng.normal(0.3, 1.0, size=2000)
    b = a + rng.normal(-0.02, 0.4, size=2000)
    score, p_value = paired_difference(a, b, rounds=4000)
    reference = stats.ttest_rel(a, b)
    low, high = reference.confidence_interval(0.95)
    assert score.value == pytest.approx((a - b).mean())
    assert (score.low, score.high) == pytest.approx((low, high), abs=0.1 * (high - low))
    assert p_value == pytest.approx(reference.pvalue, abs=0.02)


def test_paired_difference_within_strata_removes_what_lies_between_them():
    strata = np.repeat([0, 1], 50)
    a, b = strata * 1.0, np.zeros(100)
    free, _ = paired_difference(a, b)
    held, _ = paired_difference(a, b, strata=strata)
    assert free.high - free.low > 0.1
    assert (held.low, held.value, held.high) == (0.5, 0.5, 0.5)


def test_nadeau_bengio_by_hand_and_wider_than_the_plain_t():
    values = np.array([0.03, -0.01, 0.02, 0.04, 0.00])
    score = nadeau_bengio(values, test_share=0.2)
    half = stats.t.ppf(0.975, 4) * np.sqrt((1 / 5 + 0.2 / 0.8) * values.var(ddof=1))
    assert (score.value, score.low, score.high) == pytest.approx((0.016, 0.016 - half, 0.016 + half))
    assert score.n == 5
    plain = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert score.low < plain.low and plain.high < score.high


@pytest.mark.parametrize(("values", "share"), [([0.1], 0.2), ([0.1, 0.2], 0.0), ([0.1, 0.2], 1.0)])
def test_nadeau_bengio_refuses(values, share):
    with pytest.raises(DataError):
        nadeau_bengio(values, test_share=share)
