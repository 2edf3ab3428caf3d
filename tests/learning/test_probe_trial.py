"""Trials by the probe: copies and mixtures on the side that learns only, and what they give."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression

from tunewright.learning import probe_trial
from tunewright.learning.crossfit import Moments
from tunewright.learning.probe_trial import lesson_of, probe_scores
from tunewright.learning.trial import Arm, Ruler, effect
from tunewright.tasks import Classification, Multilabel, Regression


def blobs(rows=240, classes=3, spread=1.4, width=8, seed=0):
    rng = np.random.default_rng(seed)
    targets = np.arange(rows) % classes
    x = rng.normal(size=(rows, width)).astype(np.float32)
    x[np.arange(rows), targets] += spread
    return x, targets


def arm_of(x, targets, **more):
    return Arm(x=x, targets=targets, weights=np.ones(len(x)), **more)


def ruler_of(targets, metric="accuracy", **more):
    task = Classification(labels=tuple("abcdefgh"[: targets.max() + 1]))
    return Ruler(task=task, truth=targets, metric=metric, clusters=np.arange(len(targets)), **more)


def compared(changed, base, ruler):
    return effect(probe_scores(changed, ruler), probe_scores(base, ruler), folds=4, at_least=0.0).difference


def test_copies_that_show_what_varies_help_and_empty_ones_do_no_harm():
    """The label hangs on two of sixty features: copies in which all others are drawn anew say so."""
    x, targets = blobs(240, classes=2, spread=1.0, width=60)
    rng = np.random.default_rng(1)
    copies = rng.normal(size=x.shape).astype(np.float32)
    copies[:, :2] = x[:, :2]
    ruler = ruler_of(targets)
    assert compared(arm_of(x, targets, copies=copies), arm_of(x, targets), ruler).value > 0.03
    same = compared(arm_of(x, targets, copies=x.copy()), arm_of(x, targets), ruler)
    assert abs(same.value) < 0.02


def test_a_copy_of_a_held_out_row_is_never_learned_from(monkeypatch):
    x, targets = blobs(60)
    copies = np.arange(60, dtype=np.float32)[:, None] * np.ones((60, 8), np.float32)
    ruler, seen = ruler_of(targets), []
    whole = probe_trial._score

    def watched(arm, ruler, rows, chosen, held):
        learned = lesson_of(arm, rows, seed=0).x[len(rows) :, 0].astype(int)
        assert set(learned) == set(rows.tolist()) and not set(learned) & {*chosen.tolist(), *held.tolist()}
        assert not set(chosen.tolist()) & set(held.tolist())
        seen.append(held)
        return whole(arm, ruler, rows, chosen, held)

    monkeypatch.setattr(probe_trial, "_score", watched)
    scores = probe_scores(arm_of(x, targets, copies=copies), ruler)
    assert len(scores) == len(seen) == 2 * ruler.folds
    assert sorted(np.concatenate(seen[: ruler.folds]).tolist()) == list(range(60))


def test_what_copies_of_held_out_rows_hold_changes_nothing():
    x, targets = blobs(90)
    ruler = ruler_of(targets)
    rows = np.flatnonzero(ruler.split(0) > 1)
    copies = np.random.default_rng(0).normal(size=x.shape).astype(np.float32)
    other = copies.copy()
    other[ruler.split(0) <= 1] = 99.0
    lessons = [lesson_of(arm_of(x, targets, copies=one), rows, seed=3) for one in (copies, other)]
    np.testing.assert_array_equal(lessons[0].x, lessons[1].x)


def test_mixtures_are_of_rows_that_are_learned_from():
    x, targets = blobs(40)
    rows = np.arange(10, 30)
    found = lesson_of(arm_of(x, targets, mix=0.2), rows, seed=0)
    assert len(found.x) == probe_trial.DRAWS * 20 and found.shares.min() >= 0 and found.shares.max() <= 1
    low, high = x[rows].min(0), x[rows].max(0)
    assert (found.x >= low - 1e-6).all() and (found.x <= high + 1e-6).all()
    others, weights = found.partners
    assert np.bincount(others, minlength=3).tolist() == (probe_trial.DRAWS * np.bincount(targets[rows])).tolist()
    assert (weights == 1).all()
    again = lesson_of(arm_of(x, targets, mix=0.2), rows, seed=0)
    np.testing.assert_array_equal(found.x, again.x)


def test_the_loss_of_mixtures_is_that_of_both_rows_by_their_shares():
    """A fit to mixtures is a fit to each of them twice: once for either row, weighted by its share."""
    x, targets = blobs(60, spread=1.0)
    arm, ruler = arm_of(x, targets, mix=1.0), ruler_of(targets)
    lesson = lesson_of(arm, np.arange(60), seed=1)
    ours = probe_trial._fit(arm, ruler, lesson, 60, x, lambda outputs: 0.0)
    twice = np.concatenate([lesson.x, lesson.x])
    labels = np.concatenate([lesson.targets, lesson.partners[0]])
    shares = np.concatenate([lesson.shares, 1 - lesson.shares])
    scale = float((lesson.x**2).sum(1).mean())
    # scikit-learn's C sums over rows; ours is per mean of the rows' losses and of their squared length.
    oracle = LogisticRegression(C=ours.strength / scale, tol=1e-8, max_iter=5000).fit(
        twice, labels, sample_weight=shares
    )
    outputs, expected = ours.outputs(x), oracle.decision_function(x)
    np.testing.assert_allclose(
        outputs - outputs.mean(1, keepdims=True), expected - expected.mean(1, keepdims=True), atol=0.05
    )


def test_under_a_squared_loss_mixing_is_a_penalty():
    """Why a ridge fit is no judge of it: a fit to very many mixtures is one to the rows with a greater penalty."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(80, 5)) * [1, 2, 0.5, 1, 3]
    y = (x @ rng.normal(size=5) + rng.normal(size=80))[:, None]
    strength, penalty = 0.4, 0.05
    own, other = np.tile(np.arange(80), 4000), np.concatenate([rng.permutation(80) for _ in range(4000)])
    share = rng.beta(strength, strength, len(own))[:, None]
    mixed = Moments.of(share * x[own] + (1 - share) * x[other], share * y[own] + (1 - share) * y[other])
    kept = (strength + 1) / (2 * strength + 1)  # of the covariance
    scale = np.trace(np.cov(x.T, bias=True)) / 5
    there = np.trace(mixed.xx_FF / mixed.weight - np.outer(mixed.x_F, mixed.x_F) / mixed.weight**2) / 5
    assert there == pytest.approx(kept * scale, rel=0.02)
    found = mixed.solve(penalty * scale / there)[0]
    np.testing.assert_allclose(found, Moments.of(x, y).solve(penalty / kept)[0], rtol=0.05, atol=0.01)


def test_no_effect_is_rarely_called_one():
    passed = 0
    for seed in range(12):
        x, targets = blobs(150, spread=1.0, seed=seed)
        noise = x + np.random.default_rng(seed + 50).normal(size=x.shape).astype(np.float32) * 0.05
        ruler = ruler_of(targets, seed=seed)
        found = effect(
            probe_scores(arm_of(x, targets, copies=noise), ruler),
            probe_scores(arm_of(x, targets), ruler),
            folds=4,
            at_least=0.0,
        )
        passed += found.p_value < 0.025
    assert passed <= 1


def test_every_task_and_weights_and_offsets_are_heard():
    x, targets = blobs(200)
    value = x[:, 0] * 2.0
    regression = Ruler(
        task=Regression(mean=0.0, scale=1.0, log=False, low=-9, high=9),
        truth=value,
        metric="r2",
        clusters=np.arange(200),
    )
    assert probe_scores(arm_of(x, value, copies=x), regression).mean() > 0.9
    many = (x[:, :3] > 0).astype(np.float32)
    multilabel = Ruler(task=Multilabel(labels=("a", "b", "c")), truth=many, metric="f1_macro", clusters=np.arange(200))
    assert probe_scores(arm_of(x, many, mix=0.2), multilabel).mean() > 0.8
    ruler = ruler_of(targets)
    base = arm_of(x, targets)
    flipped = np.where(np.arange(200) % 2, targets, (targets + 1) % 3)
    weighed = replace(base, targets=flipped, weights=(np.arange(200) % 2).astype(float))
    assert probe_scores(weighed, ruler).mean() > probe_scores(replace(base, targets=flipped), ruler).mean() + 0.1
    pushed = replace(base, offset=np.array([8.0, 0.0, 0.0]))  # training adds it, so answers lack it
    assert probe_scores(pushed, ruler).mean() < probe_scores(base, ruler).mean() - 0.1


def test_too_few_folds_to_choose_on_score_nothing():
    x, targets = blobs(40)
    two = replace(ruler_of(targets), clusters=np.arange(40) % 2)
    assert probe_scores(arm_of(x, targets, mix=0.2), two).tolist() == [0.0] * 4


def test_the_same_seed_gives_the_same_scores():
    torch.manual_seed(1)
    x, targets = blobs(90)
    ruler = ruler_of(targets)
    first = probe_scores(arm_of(x, targets, mix=0.2), ruler)
    torch.manual_seed(2)
    np.testing.assert_array_equal(first, probe_scores(arm_of(x, targets, mix=0.2), ruler))
