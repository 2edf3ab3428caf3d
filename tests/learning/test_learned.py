"""Learning from all rows but the one that is answered: refits by hand, test rows without influence."""

import numpy as np
import pytest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.linear_model import Ridge

from tunewright.learning import learned as module
from tunewright.learning.learned import learn
from tunewright.tasks import Classification, Multilabel, Regression

ROWS, WIDTH = 240, 8


def problem(kind, seed=0):
    """(task, features, targets) with something to learn."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 3, ROWS)
    x = (rng.normal(size=(3, WIDTH)) * 2)[y] + rng.normal(size=(ROWS, WIDTH))
    if kind == "classes":
        return Classification(labels=("a", "b", "c")), x.astype(np.float32), y
    if kind == "binary":
        return Classification(labels=("a", "b"), positive="b"), x.astype(np.float32), (y > 0).astype(int)
    if kind == "sets":
        return Multilabel(labels=("p", "q")), x.astype(np.float32), np.stack([y == 0, y >= 1], 1).astype(np.float32)
    values = x[:, 0] - x[:, 1] + rng.normal(size=ROWS) * 0.1
    return Regression(mean=0.0, scale=1.0, log=False, low=-9.0, high=9.0), x.astype(np.float32), values


KINDS = ("classes", "binary", "sets", "values")


def learned_of(kind, *, fitted=None, clusters=None, change=lambda x, y: (x, y), seed=0):
    task, x, y = problem(kind)
    x, y = change(x.copy(), y.copy())
    return learn(
        task,
        rows=np.arange(ROWS) * 3,
        features=x,
        width=WIDTH,
        targets=y,
        fitted=np.ones(ROWS, bool) if fitted is None else fitted,
        clusters=np.arange(ROWS) if clusters is None else clusters,
        seed=seed,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_it_learns(kind):
    found, (_, _, y) = learned_of(kind), problem(kind)
    p = found.probabilities
    assert p.shape == (ROWS, 1 if kind == "values" else len(found.labels)) and np.isfinite(p).all()
    if kind == "values":
        assert np.corrcoef(p[:, 0], y)[0, 1] > 0.95
    elif kind == "sets":
        assert ((p > 0.5) == y).mean() > 0.9 and ((p >= 0) & (p <= 1)).all()
    else:
        np.testing.assert_allclose(p.sum(1), 1, atol=1e-5)
        assert (p.argmax(1) == y).mean() > 0.9
        log_loss = -np.log(p[np.arange(ROWS), y]).mean()
        assert log_loss < 0.4
    assert sorted(set(found.folds)) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kind", KINDS)
def test_a_changed_target_does_not_move_its_own_fold_beyond_calibration(kind, monkeypatch):
    monkeypatch.setattr(module, "PENALTIES", (0.1,))
    monkeypatch.setattr(module, "_calibrated", lambda task, outputs, targets, seen: outputs)
    monkeypatch.setattr(module, "strata_of", lambda task, targets: np.zeros(len(targets), int))

    def other(x, y):
        y[5] = 1 - y[5] if kind == "sets" else (y[5] + 1) % (2 if kind == "binary" else 3)
        return x, y

    one, two = learned_of(kind), learned_of(kind, change=other)
    same = one.folds == one.folds[5]
    np.testing.assert_array_equal(one.folds, two.folds)
    np.testing.assert_allclose(one.probabilities[same], two.probabilities[same], atol=1e-4)
    assert not np.allclose(one.probabilities[~same], two.probabilities[~same], atol=1e-4)


@pytest.mark.parametrize("kind", KINDS)
def test_rows_that_may_not_be_learned_from_reach_nothing_but_their_own_answers(kind):
    fitted = np.arange(ROWS) % 4 != 0

    def junk(x, y):
        rng = np.random.default_rng(9)
        x[~fitted] = rng.normal(size=x[~fitted].shape) * 50
        y[~fitted] = y[~fitted][rng.permutation(int((~fitted).sum()))]
        return x, y

    one, two = learned_of(kind, fitted=fitted), learned_of(kind, fitted=fitted, change=junk)
    np.testing.assert_array_equal(one.probabilities[fitted], two.probabilities[fitted])
    np.testing.assert_array_equal(one.folds, two.folds)
    assert (one.folds[~fitted] == -1).all() and (one.folds[fitted] >= 0).all()


def test_classes_are_refits_of_linear_discriminants(monkeypatch):
    monkeypatch.setattr(module, "PENALTIES", (1e-9,))
    monkeypatch.setattr(module, "_calibrated", lambda task, outputs, targets, seen: outputs)
    found, (_, x, y) = learned_of("classes"), problem("classes")
    logs = found.probabilities
    theirs = np.zeros((ROWS, 3))
    for fold in range(5):
        fit = LinearDiscriminantAnalysis(solver="lsqr").fit(x[found.folds != fold], y[found.folds != fold])
        theirs[found.folds == fold] = fit.decision_function(x[found.folds == fold])
    logs, theirs = (one - one.mean(1, keepdims=True) for one in (logs, theirs))
    np.testing.assert_allclose(logs, theirs, atol=0.02)


def test_values_are_refits_of_ridge_regression(monkeypatch):
    monkeypatch.setattr(module, "PENALTIES", (0.01,))
    found, (_, x, y) = learned_of("values"), problem("values")
    x = (x - x.mean(0)) / x.std(0)
    for fold in range(5):
        learn_from, held = found.folds != fold, found.folds == fold
        variance = x[learn_from].var(0).mean()
        theirs = Ridge(alpha=0.01 * variance * learn_from.sum()).fit(x[learn_from], y[learn_from])
        np.testing.assert_allclose(found.probabilities[held, 0], theirs.predict(x[held]), atol=1e-3)


def test_copies_are_held_out_together():
    clusters = np.arange(ROWS) // 3
    found = learned_of("classes", clusters=clusters)
    assert all(len(set(found.folds[clusters == one])) == 1 for one in range(ROWS // 3))


def test_the_penalty_is_the_one_of_the_least_loss(monkeypatch):
    losses = {}
    for penalty in (0.001, 0.1, 50.0):
        monkeypatch.setattr(module, "PENALTIES", (penalty,))
        found, (_, _, y) = learned_of("values"), problem("values")
        losses[penalty] = float(((found.probabilities[:, 0] - y) ** 2).mean())
    monkeypatch.setattr(module, "PENALTIES", tuple(losses))
    chosen = float(((learned_of("values").probabilities[:, 0] - problem("values")[2]) ** 2).mean())
    assert chosen == pytest.approx(min(losses.values())) and len({round(loss, 6) for loss in losses.values()}) == 3


def test_rows_without_a_known_class_teach_nothing():
    def unknown(x, y):
        y[:20], x[:20] = -1, 1000.0
        return x, y

    found, (_, _, y) = learned_of("classes", change=unknown), problem("classes")
    assert (found.probabilities[20:].argmax(1) == y[20:]).mean() > 0.9


def test_features_are_judged_by_how_they_vary_not_by_their_scale():
    def scaled(x, y):
        x[:, 3] *= 1000
        return x, y

    one, two = learned_of("classes"), learned_of("classes", change=scaled)
    np.testing.assert_allclose(one.probabilities, two.probabilities, atol=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_the_same_again_and_its_input_left_alone(kind):
    task, x, y = problem(kind)
    before = x.copy(), y.copy()
    common = {"rows": np.arange(ROWS), "width": WIDTH, "fitted": np.ones(ROWS, bool), "clusters": np.arange(ROWS)}
    one, two = (learn(task, features=x, targets=y, seed=4, **common) for _ in range(2))
    np.testing.assert_array_equal(one.probabilities, two.probabilities)
    np.testing.assert_array_equal(x, before[0])
    np.testing.assert_array_equal(y, before[1])
    assert one.features is x


def test_fewer_rows_than_folds_and_a_class_of_one():
    task = Classification(labels=("a", "b", "c"))
    x = np.array([[0.0], [0.1], [5.0], [5.1]], np.float32)
    common = {"rows": np.arange(4), "width": 1, "fitted": np.ones(4, bool), "clusters": np.arange(4), "seed": 0}
    found = learn(task, features=x, targets=np.array([0, 0, 1, 2]), **common)
    assert np.isfinite(found.probabilities).all()
