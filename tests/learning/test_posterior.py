"""Answers as log posteriors: what adjusted logits come from, on folds, against scikit-learn's discriminants."""

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import f1_score

from tunewright.learning.calibration import softmax
from tunewright.learning.crossfit import FoldSums, deal_folds, one_hot
from tunewright.learning.posterior import posterior_answers
from tunewright.learning.probe import ProbeData, fit_logistic_probe
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


@pytest.mark.parametrize("metric", ["recall_macro", "accuracy"])
def test_a_trial_of_adjusted_logits_says_what_scikit_learn_says_of_equal_priors(metric):
    """Where every class counts the same they help, where every row does they cost: as much as they truly do."""
    x, targets = rare_classes(spread=3.0)
    found = effect(*both(x, targets, metric, posterior=True), folds=5, at_least=0.0).difference
    right = {}
    for name, priors in (("plain", None), ("equal", np.full(10, 0.1))):
        answers = np.empty(len(x), int)
        for held, _ in FoldSums.of(x, one_hot(targets, 10), ruler_of(targets).split(0)).held_out():
            rest = np.setdiff1d(np.arange(len(x)), held)
            oracle = LinearDiscriminantAnalysis(solver="lsqr", priors=priors).fit(x[rest].astype(float), targets[rest])
            answers[held] = oracle.predict(x[held])
        hits = answers == targets
        right[name] = hits.mean() if metric == "accuracy" else np.mean([hits[targets == k].mean() for k in range(10)])
    assert found.value == pytest.approx(right["equal"] - right["plain"], abs=0.03)
    assert found.low > 0 if metric == "recall_macro" else -0.15 < found.value < 0


def unit_length(x):
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True), np.float32)


def trained(x, targets, offset, folds):
    """What a head says that is trained with the offset in its loss, as a run trains it; out of fold."""
    task, answers = Classification(labels=tuple("abcdefghij")), np.empty(len(x), int)

    def loss(outputs, truth, smoothing):
        added = outputs if offset is None else outputs + torch.from_numpy(np.asarray(offset, np.float32))
        return task.loss(added, truth, smoothing)

    for fold in range(5):
        rest = folds != fold
        data = ProbeData(x[rest], targets[rest], None, x[rest][:2], lambda outputs: 0.0)
        probe = fit_logistic_probe(data, loss=loss, outputs=10, strengths=(30.0,))
        answers[~rest] = probe.outputs(x[~rest]).argmax(1)
    return answers


def test_a_ridge_fit_misjudges_what_log_posteriors_judge_as_the_trained_head_does():
    """Adjusting logits costs this head macro F1. Memberships of a ridge fit neglect rare classes, so that to them any
    push towards these looks like a great gain."""
    x, targets = rare_classes()
    x, offset = unit_length(x), np.log(np.bincount(targets) / len(targets))
    folds = deal_folds(np.arange(len(x)), targets, folds=5, seed=0)
    sums, ridge, posterior = FoldSums.of(x, one_hot(targets, 10), folds), {}, {}
    for said, taken in (("plain", None), ("adjusted", offset)):
        ridge[said], posterior[said] = np.empty(len(x), int), np.empty(len(x), int)
        for held, rest in sums.held_out():
            weight, bias = rest.solve(0.01)
            answers = 6 * (x[held] @ weight + bias - 0.5) - (0.0 if taken is None else taken)
            ridge[said][held] = answers.argmax(1)
        for held, answer in posterior_answers(x, targets, sums, penalty=0.01, offset=taken):
            posterior[said][held] = answer(held).argmax(1)
    head = {said: trained(x, targets, taken, folds) for said, taken in (("plain", None), ("adjusted", offset))}

    def gain(answers):
        return f1_score(targets, answers["adjusted"], average="macro") - f1_score(
            targets, answers["plain"], average="macro"
        )

    assert abs(gain(posterior) - gain(head)) < 0.06
    assert gain(ridge) - gain(head) > 0.1


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
        assert (answer(held).argmax(1) == expected.argmax(1)).mean() > 0.93
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
