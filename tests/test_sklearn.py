"""The estimators among scikit-learn's own tools."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import estimator_checks_generator

from tunewright.sklearn import FineTunedClassifier, FineTunedRegressor


@pytest.fixture(scope="module")
def texts(make_rows):
    frame = make_rows("text", 160, 1)
    return frame["message"].to_list(), frame["y"].to_list()


@pytest.fixture
def classifier(tiny_model):
    return FineTunedClassifier(model=str(tiny_model), train="head", epochs=5)


def test_texts_are_learned_and_told(classifier, texts):
    x, y = texts
    fitted = classifier.fit(x[:120], y[:120])
    assert fitted is classifier and fitted.classes_.tolist() == ["team 0", "team 1", "team 2"]
    assert fitted.score(x[120:], y[120:]) > 0.6
    probabilities = fitted.predict_proba(x[120:])
    assert probabilities.shape == (40, 3) and np.allclose(probabilities.sum(1), 1)
    assert (fitted.classes_[probabilities.argmax(1)] == fitted.predict(x[120:])).all()


@pytest.mark.parametrize("form", ["list", "array", "object array", "pandas", "polars"])
def test_texts_in_every_form_are_the_same(classifier, texts, form):
    x, y = texts[0][:90], texts[1][:90]
    forms = {
        "list": x,
        "array": np.array(x),
        "object array": np.array(x, dtype=object),
        "pandas": pd.Series(x, index=range(7, 97)),
        "polars": pl.Series(x),
    }
    base = clone(classifier).fit(x, y).predict_proba(x)
    assert np.array_equal(classifier.fit(forms[form], y).predict_proba(forms[form]), base)


@pytest.mark.parametrize("labels", [[0, 1, 2], [True, False, True], ["b", "a", "ä"], [10, 2, 33]])
def test_labels_come_back_as_they_were(classifier, texts, labels):
    x, y = texts
    given = np.array([labels[int(label[-1])] for label in y])
    fitted = classifier.fit(x, given)
    assert fitted.classes_.tolist() == sorted(set(labels))
    assert fitted.classes_.dtype == given.dtype == fitted.predict(x[:3]).dtype


def test_columns_of_a_frame_are_read_as_in_a_run(classifier, make_rows):
    frame = make_rows("mixed", 150, 2).drop("part", "worth")
    x, y = frame.drop("y"), frame["y"]
    fitted = classifier.fit(x, y)
    assert fitted.feature_names_in_.tolist() == ["message", "amount"] and fitted.n_features_in_ == 2
    pandas = x.to_pandas()
    assert (fitted.predict(pandas) == fitted.predict(x)).all()
    assert (fitted.predict(x.to_dicts()) == fitted.predict(x)).all()
    kinds = {c.name: c.kind for c in fitted.predictor_.model.preprocessor.table.columns}
    assert kinds["message"] == "text" and kinds["amount"] == "number"
    with pytest.raises(ValueError, match="is expecting 2 features"):
        fitted.predict(x.drop("amount"))


def test_a_regressor(tiny_model):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(200, 3))
    y = x @ [1.0, -2.0, 0.0] + 5
    fitted = FineTunedRegressor(model=str(tiny_model)).fit(x[:150], y[:150])
    assert fitted.score(x[150:], y[150:]) > 0.7
    assert fitted.predict(x[150:]).dtype == np.float64


def test_in_a_pipeline_a_cross_validation_and_a_search(classifier, texts):
    x, y = texts
    pipe = make_pipeline(FunctionTransformer(lambda texts: [text.upper() for text in texts]), classifier)
    assert pipe.fit(x[:120], y[:120]).score(x[120:], y[120:]) > 0.5
    scores = cross_val_score(classifier, x, y, cv=2)
    assert scores.shape == (2,) and scores.min() > 0.5
    search = GridSearchCV(classifier, {"learning_rate": [1e-3, 1e-2]}, cv=2).fit(x, y)
    assert set(search.best_params_) == {"learning_rate"} and search.best_score_ > 0.5


def test_the_arguments_have_an_effect(classifier, texts, tiny_model):
    x, y = texts
    one = clone(classifier).fit(x, y)
    other = clone(classifier).set_params(plan={"model": {"head": "mlp"}, "training": {"head_dropout": 0.0}}).fit(x, y)
    assert one.predictor_.model.head == "linear" and other.predictor_.model.head == "mlp"
    again = clone(classifier).fit(x, y)
    assert np.array_equal(one.predict_proba(x), again.predict_proba(x))
    with pytest.raises(ValueError, match=r"model\.train"):
        clone(classifier).set_params(train="everything").fit(x, y)
    with pytest.raises(ValueError, match=r"training\.epoch"):
        clone(classifier).set_params(plan={"training": {"epoch": 1}}).fit(x, y)


def test_a_clone_is_unfitted_and_equal(classifier, texts):
    copy = clone(classifier.fit(*texts))
    assert copy.get_params() == classifier.get_params()
    with pytest.raises(NotFittedError):
        copy.predict(texts[0])


def test_what_cannot_be_learned_is_refused(classifier, texts):
    x, y = texts
    with pytest.raises(ValueError, match="two classes"):
        classifier.fit(x, ["a"] * len(x))
    with pytest.raises(ValueError, match="inconsistent numbers"):
        classifier.fit(x, y[:-1])
    with pytest.raises(ValueError, match="y to be passed"):
        classifier.fit(x, None)
    with pytest.raises(ValueError):
        classifier.fit(np.array(1.0), y)


def test_a_fitted_estimator_survives_a_worker_process(classifier, texts):
    """joblib hands estimators to processes of ours; nothing here reads a pickle from a file."""
    x, y = texts
    fitted = classifier.fit(x, y)
    again = pickle.loads(pickle.dumps(fitted))
    assert np.array_equal(again.predict_proba(x), fitted.predict_proba(x))


def checks(estimator):
    return [(check.func.__name__, own, check) for own, check in estimator_checks_generator(estimator, legacy=True)]


# Those that speak of parameters, cloning, refusals and the shape of answers. The others fit on fewer rows than a split
# into train and validation has, or on sparse, complex or three-dimensional arrays, which are no tables.
NAMES = [
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_fit_score_takes_y",
    "check_estimators_overwrite_params",
    "check_dont_overwrite_parameters",
    "check_estimators_fit_returns_self",
    "check_readonly_memmap_input",
    "check_estimators_unfitted",
    "check_do_not_raise_errors_in_init_or_set_params",
    "check_n_features_in_after_fitting",
    "check_mixin_order",
    "check_positive_only_tag_during_fit",
    "check_parameters_default_constructible",
    "check_get_params_invariance",
    "check_set_params",
    "check_dict_unchanged",
    "check_fit_idempotent",
    "check_fit_check_is_fitted",
    "check_n_features_in",
    "check_requires_y_none",
    "check_estimator_sparse_tag",
    "check_estimators_pickle",
    "check_methods_subset_invariance",
    "check_methods_sample_order_invariance",
]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", [FineTunedClassifier, FineTunedRegressor])
@pytest.mark.filterwarnings("ignore:.*:UserWarning", "ignore:.*:FutureWarning")
def test_scikit_learns_own_check(kind, name, tiny_model):
    estimator = kind(model=str(tiny_model), train="head", epochs=1)
    found = [(own, check) for known, own, check in checks(estimator) if known == name]
    assert found, "scikit-learn has no check of that name any more"
    for own, check in found:
        check(own)
