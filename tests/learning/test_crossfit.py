"""Out-of-fold ridge fits against refits by scikit-learn; folds that tear nothing apart."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import Ridge

from tunewright.learning.crossfit import Learned, Moments, deal_folds, one_hot, out_of_fold


def table(rows=60, width=5, outputs=2, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, width)) @ rng.normal(size=(width, width)) + 3
    return x, x[:, :outputs] + rng.normal(size=(rows, outputs)), rng


def refit(x, y, rows, penalty, weights):
    """Scikit-learn's ridge with the penalty in our units: a share of the mean variance of the learned features."""
    w = weights[rows] / weights[rows].sum()
    centre = w @ x[rows]
    variance = float((w @ (x[rows] - centre) ** 2).mean())
    alpha = (penalty * variance + 1e-9) * weights[rows].sum()
    return Ridge(alpha=alpha).fit(x[rows], y[rows], sample_weight=weights[rows])


@pytest.mark.parametrize("penalty", [0.001, 0.1, 1.0])
@pytest.mark.parametrize("weighted", [False, True])
def test_out_of_fold_answers_are_those_of_refits(penalty, weighted):
    x, y, rng = table()
    folds = rng.integers(0, 4, len(x))
    weights = rng.uniform(0, 2, len(x)) if weighted else np.ones(len(x))
    ours = out_of_fold(x, y, folds, penalty=penalty, weights=weights if weighted else None)
    for fold in range(4):
        theirs = refit(x, y, np.flatnonzero(folds != fold), penalty, weights)
        np.testing.assert_allclose(ours[folds == fold], theirs.predict(x[folds == fold]), atol=1e-6)


def test_a_row_of_weight_zero_teaches_nothing_and_is_answered():
    x, y, rng = table()
    folds, weights = rng.integers(0, 3, len(x)), np.ones(len(x))
    weights[:10] = 0
    changed = y.copy()
    changed[:10] += 100
    one, two = (out_of_fold(x, target, folds, penalty=0.1, weights=weights) for target in (y, changed))
    np.testing.assert_array_equal(one, two)


def test_a_row_has_no_part_in_its_own_answer():
    x, y, rng = table()
    folds = rng.integers(0, 5, len(x))
    changed = y.copy()
    changed[7] += 50
    one, two = (out_of_fold(x, target, folds, penalty=0.1) for target in (y, changed))
    np.testing.assert_allclose(one[folds == folds[7]], two[folds == folds[7]], atol=1e-8)
    assert not np.allclose(one[folds != folds[7]], two[folds != folds[7]])


def test_other_features_can_be_scored():
    x, y, rng = table()
    folds, other = rng.integers(0, 3, len(x)), rng.normal(size=x.shape)
    ours = out_of_fold(x, y, folds, penalty=0.1, scored_x=other)
    for fold in range(3):
        theirs = refit(x, y, np.flatnonzero(folds != fold), 0.1, np.ones(len(x)))
        np.testing.assert_allclose(ours[folds == fold], theirs.predict(other[folds == fold]), atol=1e-6)


def test_sums_add_up_and_subtract():
    x, y, rng = table()
    weights = rng.uniform(0, 1, len(x))
    whole = Moments.of(x, y, weights)
    parts = [Moments.of(x[rows], y[rows], weights[rows]) for rows in (slice(20), slice(20, None))]
    for back in (parts[0].plus(parts[1]), whole):
        np.testing.assert_allclose(back.xx_FF, whole.xx_FF)
    np.testing.assert_allclose(whole.plus(parts[0], -1).xy_FK, parts[1].xy_FK, atol=1e-9)
    assert whole.plus(parts[0], -1).weight == pytest.approx(parts[1].weight)


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 80), st.integers(1, 30), st.integers(1, 4), st.integers(2, 6), st.integers(0, 3))
def test_folds_keep_clusters_whole_and_spread_lone_rows(rows, clusters, strata, folds, seed):
    rng = np.random.default_rng(seed)
    cluster, stratum = rng.integers(0, clusters, rows), rng.integers(0, strata, rows)
    dealt = deal_folds(cluster, stratum, folds=folds, seed=seed)
    assert all(len(set(dealt[cluster == one])) == 1 for one in set(cluster))
    assert ((dealt >= 0) & (dealt < folds)).all()
    alone = deal_folds(np.arange(rows), stratum, folds=folds, seed=seed)
    for one in set(stratum):
        counts = np.bincount(alone[stratum == one], minlength=folds)
        assert counts.max() - counts.min() <= 1
    np.testing.assert_array_equal(dealt, deal_folds(cluster, stratum, folds=folds, seed=seed))


def test_one_hot():
    np.testing.assert_array_equal(one_hot(np.array([2, 0, -1]), 3), [[0, 0, 1], [1, 0, 0], [0, 0, 0]])


def test_learned_among_some_rows():
    n = 6
    learned = Learned(
        rows=np.arange(n) * 2,
        features=np.arange(n)[:, None],
        width=0,
        targets=np.arange(n),
        labels=tuple("abcdef"),
        probabilities=np.eye(n),
        folds=np.arange(n) % 2,
        clusters=np.arange(n),
    )
    some = learned.among(np.array([4, 8, 99]))
    assert some.rows.tolist() == [4, 8] and some.targets.tolist() == [2, 4] and some.probabilities.shape == (2, n)
