"""Trees as arrays against scikit-learn's own answers, and against files that point elsewhere."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from tunewright.learning.boosting import as_trees
from tunewright.models.trees import AT_ONCE, Trees, mixed

ROWS = 400


def table(seed=0, rows=ROWS):
    """Three columns with holes; the second matters only where the first is high, holes matter too."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 3))
    x[rng.random(rows) < 0.2, 2] = np.nan
    return x


def signal(x):
    return np.where(x[:, 0] > 0.5, np.sign(x[:, 1]), 0.3) + np.isnan(x[:, 2])


def fitted_on(kind):
    x = table()
    if kind == "regression":
        return HistGradientBoostingRegressor(max_iter=40, random_state=0).fit(x, signal(x))
    y = np.digitize(signal(x), [0.2] if kind == "binary" else [-0.5, 0.5, 1.1])
    return HistGradientBoostingClassifier(max_iter=40, random_state=0).fit(x, y)


@pytest.mark.parametrize("kind", ["binary", "multiclass", "regression"])
def test_the_arrays_answer_as_scikit_learn_does(kind, monkeypatch):
    model, x = fitted_on(kind), table(seed=1)
    trees = as_trees(model, seen=None if kind == "regression" else model.classes_)
    if kind == "regression":
        np.testing.assert_allclose(trees.outputs(x, 1)[:, 0], model.predict(x), rtol=1e-6)
    else:
        expected = np.log(model.predict_proba(x))
        np.testing.assert_allclose(trees.outputs(x, expected.shape[1]), expected, rtol=1e-5, atol=1e-5)
    whole = trees.scores(x)
    monkeypatch.setattr("tunewright.models.trees.AT_ONCE", 7 * len(trees.roots))
    assert len(x) * len(trees.roots) < AT_ONCE
    np.testing.assert_allclose(trees.scores(x), whole, rtol=1e-12)


def test_cells_at_the_threshold_and_far_outside_go_where_scikit_learn_sends_them():
    model = fitted_on("binary")
    trees = as_trees(model, seen=model.classes_)
    edges = np.unique(trees.threshold)
    x = np.stack(np.broadcast_arrays(edges[:, None], np.array([[-1e300, 0.0, 1e300, np.nan]])), axis=-1).reshape(-1, 2)
    x = np.column_stack([x, x[:, 0]])
    np.testing.assert_allclose(trees.outputs(x, 2), np.log(model.predict_proba(x)), rtol=1e-5, atol=1e-5)


def test_a_class_without_train_rows_stays_unlikely():
    model = fitted_on("binary")
    trees = as_trees(model, seen=np.array([0, 2]))
    found = trees.outputs(table(seed=2), 3)
    assert (found[:, 1] == -30).all()
    np.testing.assert_allclose(np.exp(found).sum(1), 1, rtol=1e-5)


def test_stored_arrays_come_back_and_those_that_point_outside_do_not():
    model, x = fitted_on("multiclass"), table(seed=3)
    trees = as_trees(model, seen=model.classes_)
    again = Trees.from_arrays(trees.arrays())
    np.testing.assert_array_equal(again.outputs(x, 4), trees.outputs(x, 4))
    assert trees.size() == sum(array.nbytes for array in trees.arrays().values())
    for name in ("left", "right", "roots"):
        for wrong in (-1, len(trees.value)):
            array = trees.arrays()[name].copy()
            array[0] = wrong
            with pytest.raises(ValueError, match="outside"):
                Trees.from_arrays(trees.arrays() | {name: array})
    with pytest.raises(ValueError, match="whole rounds"):
        Trees.from_arrays(trees.arrays() | {"roots": trees.roots[:-1]})
    column = trees.column.copy()
    column[0] = 99
    with pytest.raises(IndexError):
        Trees.from_arrays(trees.arrays() | {"column": column}).scores(x)


def test_a_share_of_nothing_or_of_everything_is_one_of_the_two():
    one, two = np.array([[1.0, 2.0]]), np.array([[5.0, -2.0]])
    np.testing.assert_array_equal(mixed(one, two, 0.0), one.astype(np.float32))
    np.testing.assert_array_equal(mixed(one, two, 1.0), two.astype(np.float32))
