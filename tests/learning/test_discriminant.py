"""Linear discriminants against scikit-learn's."""

import numpy as np
import pytest
from sklearn.covariance import EmpiricalCovariance
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from tunewright.learning.crossfit import Moments, one_hot
from tunewright.learning.discriminant import discriminants


def clouds(rows=200, width=6, classes=4, seed=0):
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, rows)
    shape = rng.normal(size=(width, width))
    return rng.normal(size=(classes, width))[y] * 2 + rng.normal(size=(rows, width)) @ shape + 5, y


class Ridged(EmpiricalCovariance):
    """Covariance plus our penalty."""

    def __init__(self, penalty=0.0):
        super().__init__(store_precision=False)
        self.penalty = penalty

    def fit(self, X, y=None):
        super().fit(X)
        scale = np.trace(self.covariance_) / len(self.covariance_)
        self.covariance_ = self.covariance_ + (self.penalty * scale + 1e-9) * np.eye(len(self.covariance_))
        return self


def softened(logits):
    return logits - logits.mean(1, keepdims=True)


def test_without_a_penalty_it_is_scikit_learns():
    x, y = clouds()
    ((weight, bias),) = discriminants(Moments.of(x, one_hot(y, 4)), [0.0])
    theirs = LinearDiscriminantAnalysis(solver="lsqr").fit(x, y).decision_function(x)
    np.testing.assert_allclose(softened(x @ weight + bias), softened(theirs), atol=1e-4)


@pytest.mark.parametrize("penalty", [0.01, 1.0])
def test_a_penalty_is_added_to_the_covariance_within_classes(penalty):
    x, y = clouds()
    found = discriminants(Moments.of(x, one_hot(y, 4)), [penalty, 10.0])
    means = np.array([x[y == k].mean(0) for k in range(4)])
    pooled = Ridged(penalty).fit(x - means[y]).covariance_
    weight = np.linalg.solve(pooled, means.T)
    bias = np.log(np.bincount(y) / len(y)) - 0.5 * (means.T * weight).sum(0)
    np.testing.assert_allclose(softened(x @ found[0][0] + found[0][1]), softened(x @ weight + bias), atol=1e-6)
    assert not np.allclose(found[0][0], found[1][0])


def test_a_class_without_rows_is_answered_and_never_likely():
    x, y = clouds()
    ((weight, bias),) = discriminants(Moments.of(x, one_hot(y, 5)), [0.1])
    outputs = x @ weight + bias
    assert np.isfinite(outputs).all()
    assert (outputs.argmax(1) < 4).all()


def test_constant_features_do_no_harm():
    x, y = clouds()
    wide = np.concatenate([x, np.ones((len(x), 2))], axis=1)
    for penalty in (0.0, 0.1):
        ((weight, bias),) = discriminants(Moments.of(wide, one_hot(y, 4)), [penalty])
        assert np.isfinite(weight).all() and ((wide @ weight + bias).argmax(1) == y).mean() > 0.5
