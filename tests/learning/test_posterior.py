"""Answers as log posteriors: what adjusted logits come from, on folds, against scikit-learn's discriminants."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from tunewright.learning.calibration import softmax
from tunewright.learning.crossfit import FoldSums, deal_folds, one_hot
from tunewright.learning.posterior import posterior_answers
from tunewright.learning.trial import Arm, Ruler, choose_penalty, effect, split_scores, sums_of
from tunewright.tasks import Classification

COUNTS = (600, 240, 90, 60, 40, 40, 30, 30, 20, 20)


def rare_classes(spread=2.0, seed=5):
    """Ten classes of normal features, the largest with thirty times the rows of the smallest."""
    rng = np.random.default_rng(seed)
    targets = np.repeat(np.arange(len(COUNTS)), COUNTS)
    means = rng.normal(size=(len(COUNTS), 12))
    means *= spread / np.linalg.norm(means, axis=1, keepdims=True)
    return (means[targets] + rng.normal(size=(len(targets), 12))).astype(np.float32), targets


def arms(x, targets):
    """As the rows are, and with the frequency of classes taken out."""
    plain = Arm(x=x, targets=targets, weights=np.ones(len(x)))
    share = np.bincount(targets) / len(targets)
    return plain, Arm(x=x, targets=targets, weights=plain.weights, offset=np.log(share))


def ruler_of(targets, metric="recall_macro"):
    task = Classification(labels=tuple("abcdefghij"[: targets.max() + 1]))
    return Ruler(task=task, truth=targets, metric=metric, clusters=np.arange(len(targets)))


def both(x, targets, metric, *, posterior):
    ruler, (plain, adjusted) = ruler_of(targets, metric), arms(x, targets)
    sums = sums_of(plain, ruler)
    penalty = choose_penalty(plain, ruler, sums, posterior=posterior)
    return [split_scores(arm, ruler, penalty, sums, posterior=posterior) for arm in (adjusted, plain)]


def test_adjusted_logits_help_where_every_class_counts_the_same_and_cost_little_elsewhere():
    x, targets = rare_classes()
    recall = effect(*both(x, targets, "recall_macro", posterior=True), folds=5, at_least=0.0)
    assert recall.difference.low > 0.02
    accuracy = effect(*both(x, targets, "accuracy", posterior=True), folds=5, at_least=0.0)
    assert -0.15 < accuracy.difference.value < 0


def test_memberships_of_a_ridge_fit_would_be_drowned_by_log_frequencies():
    """What `split_scores` guards against: the same offset subtracted from what a ridge fit says ruins the answers."""
    x, targets = rare_classes()
    folds = deal_folds(np.arange(len(x)), targets, folds=5, seed=0)
    offset, right, wrong = np.log(np.bincount(targets) / len(targets)), 0, 0
    for held, rest in FoldSums.of(x, one_hot(targets, 10), folds).held_out():
        weight, bias = rest.solve(0.01)
        drowned = 6 * (x[held] @ weight + bias - 0.5) - offset
        wrong += int((drowned.argmax(1) == targets[held]).sum())
    sums = FoldSums.of(x, one_hot(targets, 10), folds)
    for held, answer in posterior_answers(x, targets, sums, penalty=0.0, offset=offset):
        right += int((answer(held).argmax(1) == targets[held]).sum())
    assert wrong < right - 0.2 * len(x)


@pytest.mark.parametrize("adjusted", [False, True])
def test_answers_are_those_of_scikit_learns_discriminants(adjusted):
    x, targets = rare_classes()
    share = np.bincount(targets) / len(targets)
    folds = deal_folds(np.arange(len(x)), targets, folds=3, seed=1)
    sums = FoldSums.of(x, one_hot(targets, 10), folds)
    offset = np.log(share) if adjusted else None
    for held, answer in posterior_answers(x, targets, sums, penalty=0.0, offset=offset):
        rest = np.setdiff1d(np.arange(len(x)), held)
        known = np.bincount(targets[rest]) / len(rest)
        oracle = LinearDiscriminantAnalysis(solver="lsqr").fit(x[rest].astype(float), targets[rest])
        expected = oracle.decision_function(x[held]) - (np.log(share) if adjusted else 0.0)
        np.testing.assert_allclose(np.log(oracle.priors_), np.log(known))
        # One temperature stands between them, near one where features are normal.
        assert (answer(held).argmax(1) == expected.argmax(1)).mean() > 0.97
        np.testing.assert_allclose(softmax(answer(held)), softmax(expected), atol=0.12)


def test_a_constant_offset_changes_no_answer_and_a_fold_is_not_calibrated_by_its_own_labels():
    x, targets = rare_classes(seed=2)
    folds = deal_folds(np.arange(len(x)), targets, folds=4, seed=0)

    def first(labels, offset=None):
        sums = FoldSums.of(x, one_hot(targets, 10), folds)
        held, answer = next(posterior_answers(x, labels, sums, penalty=0.1, offset=offset))
        return held, answer(held)

    held, plain = first(targets)
    np.testing.assert_allclose(first(targets, np.full(10, 2.0))[1], plain - 2.0, atol=1e-4)
    turned = targets.copy()
    turned[held] = (turned[held] + 1) % 10
    np.testing.assert_array_equal(first(turned)[1], plain)


def test_rows_that_weigh_nothing_calibrate_nothing():
    x, targets = rare_classes(seed=3)
    folds = deal_folds(np.arange(len(x)), targets, folds=4, seed=0)
    weights = np.where(np.arange(len(x)) % 3 == 0, 0.0, 1.0)
    turned = np.where(weights == 0, (targets + 1) % 10, targets)
    answers = [
        next(
            posterior_answers(x, labels, FoldSums.of(x, one_hot(labels, 10), folds, weights), penalty=0.1, offset=None)
        )
        for labels in (targets, turned)
    ]
    held = answers[0][0]
    np.testing.assert_allclose(answers[0][1](held), answers[1][1](held), atol=1e-5)
