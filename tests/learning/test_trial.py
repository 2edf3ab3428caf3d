"""Paired trials: the same folds for both arms, the ruler never cleaned, intervals that allow for shared rows."""

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from tunewright.learning import trial
from tunewright.learning.crossfit import Moments, deal_folds, one_hot, out_of_fold
from tunewright.learning.trial import Arm, Ruler, effect, strata_of, sums_of, tolerance
from tunewright.tasks import Classification, Multilabel, Regression

RNG = np.random.default_rng(0)


def blobs(rows=400, classes=3, spread=1.4, seed=0):
    rng = np.random.default_rng(seed)
    targets = np.arange(rows) % classes
    x = rng.normal(size=(rows, 8)).astype(np.float32)
    x[np.arange(rows), targets] += spread
    return x, targets


def ruler_of(targets, clusters=None, metric="accuracy", **more):
    task = Classification(labels=tuple("abcdefgh"[: targets.max() + 1]))
    clusters = np.arange(len(targets)) if clusters is None else clusters
    return Ruler(task=task, truth=targets, metric=metric, clusters=clusters, **more)


def arm_of(x, targets, weights=None):
    return Arm(x=x, targets=targets, weights=np.ones(len(x)) if weights is None else weights)


def split_scores(arm, ruler, penalty):
    return trial.split_scores(arm, ruler, penalty, sums_of(arm, ruler))


def choose_penalty(arm, ruler):
    return trial.choose_penalty(arm, ruler, sums_of(arm, ruler))


def test_sums_of_a_changed_arm_are_those_summed_anew():
    x, targets = blobs(300)
    ruler = ruler_of(targets)
    base = sums_of(arm_of(x, targets), ruler)
    for count in (1, 20, 250):
        other, weights = targets.copy(), np.ones(300)
        rows = RNG.choice(300, count, replace=False)
        other[rows], weights[rows] = (other[rows] + 1) % 3, RNG.choice([0.0, 0.25, 1.0], count)
        arm = arm_of(x, other, weights)
        for one, anew in zip(sums_of(arm, ruler, like=base), sums_of(arm, ruler), strict=True):
            for part, oracle in zip(one.parts, anew.parts, strict=True):
                np.testing.assert_allclose(part.xx_FF, oracle.xx_FF, atol=1e-9)
                np.testing.assert_allclose(part.xy_FK, oracle.xy_FK, atol=1e-9)
                np.testing.assert_allclose(
                    [part.weight, *part.x_F, *part.y_K], [oracle.weight, *oracle.x_F, *oracle.y_K]
                )


def test_a_ridge_fit_from_sums_is_scikit_learns():
    x, y = RNG.normal(size=(60, 5)), RNG.normal(size=(60, 2))
    weights = RNG.uniform(0.2, 2.0, 60)
    sums = Moments.of(x, y, weights)
    weight, bias = sums.solve(0.1)
    centred = x - np.average(x, axis=0, weights=weights)
    scale = np.average(centred**2, axis=0, weights=weights).mean()
    oracle = Ridge(alpha=0.1 * scale * weights.sum()).fit(x, y, sample_weight=weights)
    np.testing.assert_allclose(weight, oracle.coef_.T, rtol=1e-5)
    np.testing.assert_allclose(bias, oracle.intercept_, rtol=1e-5)


def test_out_of_fold_answers_are_those_of_a_refit_without_the_fold():
    x, targets = blobs(90)
    folds = deal_folds(np.arange(90), targets, folds=3, seed=1)
    y = one_hot(targets, 3)
    found = out_of_fold(x, y, folds, penalty=0.1)
    for fold in range(3):
        weight, bias = Moments.of(x[folds != fold], y[folds != fold]).solve(0.1)
        np.testing.assert_allclose(found[folds == fold], x[folds == fold] @ weight + bias, atol=1e-6)


def test_folds_keep_clusters_whole_and_strata_even():
    clusters = RNG.integers(0, 120, 300)
    strata = np.array([0, 1, 2])[clusters % 3]
    folds = deal_folds(clusters, strata, folds=5, seed=3)
    assert all(len(set(folds[clusters == c])) == 1 for c in set(clusters.tolist()))
    share = [np.bincount(strata[folds == f], minlength=3) / (folds == f).sum() for f in range(5)]
    assert np.ptp(np.array(share), axis=0).max() < 0.15
    assert np.ptp(np.bincount(folds)) <= 12


def test_flipped_labels_cost_and_dropping_them_pays():
    x, targets = blobs(900)
    ruler = ruler_of(targets)
    flipped = targets.copy()
    bad = RNG.choice(900, 400, replace=False)
    flipped[bad] = (flipped[bad] + 1) % 3
    penalty = choose_penalty(arm_of(x, targets), ruler)
    dirty = split_scores(arm_of(x, flipped), ruler, penalty)
    weights = np.ones(900)
    weights[bad] = 0
    without = split_scores(arm_of(x, flipped, weights), ruler, penalty)
    clean = split_scores(arm_of(x, targets), ruler, penalty)
    assert len(dirty) == ruler.folds * ruler.repeats
    assert effect(without, dirty, folds=5, at_least=0.0).p_value < 0.01
    assert effect(clean, dirty, folds=5, at_least=0.0).difference.low > 0
    assert effect(dirty, dirty, folds=5, at_least=0.0).p_value == 1.0


def test_the_ruler_stays_as_given():
    """An arm that relabels a whole class learns it perfectly and is marked wrong for it."""
    x, targets = blobs(300)
    relabelled = np.where(targets == 2, 1, targets)
    ruler = ruler_of(targets)
    assert split_scores(arm_of(x, relabelled), ruler, 0.1).mean() < split_scores(arm_of(x, targets), ruler, 0.1).mean()


def test_no_effect_is_rarely_called_one():
    """Adding a feature of pure noise must not pass: at most a handful of forty trials at the level of 2.5 %."""
    passed = 0
    for seed in range(40):
        x, targets = blobs(200, spread=1.0, seed=seed)
        noise = np.random.default_rng(seed + 99).normal(size=(200, 1)).astype(np.float32)
        ruler = ruler_of(targets, repeats=2, seed=seed)
        base = split_scores(arm_of(x, targets), ruler, 0.1)
        more = split_scores(arm_of(np.concatenate([x, noise], axis=1), targets), ruler, 0.1)
        passed += effect(more, base, folds=5, at_least=0.0).p_value < 0.025
    assert passed <= 3


def test_every_task_is_scored():
    x = RNG.normal(size=(200, 6)).astype(np.float32)
    value = (x[:, 0] * 2 + RNG.normal(size=200) * 0.1).astype(np.float64)
    regression = Ruler(
        task=Regression(mean=0.0, scale=1.0, log=False, low=-9, high=9),
        truth=value,
        metric="r2",
        clusters=np.arange(200),
    )
    assert split_scores(arm_of(x, value), regression, 0.01).mean() > 0.95
    many = (x[:, :3] > 0).astype(np.int64)
    multilabel = Ruler(
        task=Multilabel(labels=("a", "b", "c")), truth=many, metric="f1_macro", clusters=np.arange(200), repeats=1
    )
    assert split_scores(arm_of(x, many), multilabel, 0.01).mean() > 0.85
    assert set(strata_of(multilabel.task, many)) <= {0, 1, 2, 3}
    binary = Ruler(
        task=Classification(labels=("no", "yes"), positive="yes"),
        truth=many[:, 0],
        metric="f1",
        clusters=np.arange(200),
        repeats=1,
    )
    assert split_scores(arm_of(x, many[:, 0]), binary, 0.01).mean() > 0.85


def test_half_a_point_of_what_is_bounded_and_half_a_percent_of_what_is_not():
    assert tolerance("accuracy", np.array([0.9])) == 0.005
    assert tolerance("mean_absolute_error", np.array([-40.0])) == pytest.approx(0.2)


def test_scores_of_some_features_are_those_of_an_arm_that_has_no_others():
    x, targets = blobs()
    ruler, kept = ruler_of(targets), np.array([0, 2, 5])
    found = trial.part_scores(arm_of(x, targets), ruler, 0.1, sums_of(arm_of(x, targets), ruler), kept)
    np.testing.assert_allclose(found, split_scores(arm_of(x[:, kept], targets), ruler, 0.1))
