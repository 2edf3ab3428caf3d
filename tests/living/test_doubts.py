"""Doubt is greatest where the answer would turn, and what is looked at is what the model itself answers from."""

import numpy as np
import pytest

from tunewright.living.doubts import _features, answer, centred, doubts_of
from tunewright.tasks import Classification, Decision, Multilabel, Regression


def logits(probabilities):
    return np.log(np.maximum(np.asarray(probabilities, float), 1e-12))


def test_doubt_of_classes_is_the_lack_of_margin():
    task = Classification(labels=("a", "b", "c"))
    residuals, doubts = doubts_of(task, logits([[0.6, 0.3, 0.1], [0.4, 0.35, 0.25], [1, 0, 0]]), Decision())
    np.testing.assert_allclose(doubts, [0.7, 0.95, 0.0], atol=1e-6)
    np.testing.assert_allclose(residuals[0], [-0.4, 0.3, 0.1], atol=1e-6)
    np.testing.assert_allclose(residuals.sum(1), 0, atol=1e-6)


def test_temperature_counts():
    task = Classification(labels=("a", "b"))
    outputs = logits([[0.9, 0.1]])
    doubts = [doubts_of(task, outputs, Decision(temperature=t))[1][0] for t in (0.5, 1.0, 2.0)]
    assert doubts == sorted(doubts) and len(set(doubts)) == 3


def test_doubt_is_greatest_at_the_threshold():
    task = Classification(labels=("no", "yes"), positive="yes")
    positive = np.linspace(0.01, 0.99, 99)
    _, doubts = doubts_of(task, logits(np.stack([1 - positive, positive], 1)), Decision(thresholds=(0.2,)))
    assert positive[doubts.argmax()] == pytest.approx(0.2)
    assert doubts.max() == pytest.approx(1.0, abs=1e-6)
    assert centred(np.array([0.2]), 0.2).tolist() == [0.5]


def test_doubt_of_several_labels_is_what_may_be_wrong():
    task = Multilabel(labels=("a", "b"))
    outputs = np.array([[0.0, 0.0], [20.0, -20.0], [0.0, -20.0]])
    residuals, doubts = doubts_of(task, outputs, Decision())
    np.testing.assert_allclose(doubts, [1.0, 0.0, 0.5], atol=1e-6)
    assert np.abs(residuals).max() <= 0.5


def test_a_number_has_no_doubt():
    task = Regression(mean=0.0, scale=1.0, log=False, low=-1.0, high=1.0)
    residuals, doubts = doubts_of(task, np.zeros((3, 1)), Decision())
    assert residuals.tolist() == [[1.0]] * 3 and doubts.tolist() == [0.0] * 3


@pytest.mark.parametrize("kind", ["text", "pair", "multilabel", "table", "mixed"])
def test_outputs_are_those_of_the_model(learned, kind):
    _, judging, fitted = learned(kind)
    typed = judging.problem.typed["test"]
    x, outputs = _features(fitted.model, typed)
    np.testing.assert_allclose(outputs, fitted.model.outputs(typed), atol=1e-5)
    assert len(x) == typed.height
    np.testing.assert_allclose(np.linalg.norm(answer(fitted.model, typed).x, axis=1), 1.0, atol=1e-5)
