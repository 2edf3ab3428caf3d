"""Fine-tuning as scikit-learn estimators: in a `Pipeline`, in `cross_val_score`, in `GridSearchCV`.

X is a sequence of texts, or a table: a frame of pandas, polars or pyarrow, a list of dicts, an array of 2 dimensions.
Columns of a frame hold texts, numbers, categories or dates, as in `tunewright run`.

>>> from tunewright.sklearn import FineTunedClassifier
>>> FineTunedClassifier(train="head").get_params()["train"]
'head'
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import (
    assert_all_finite,
    check_array,
    check_consistent_length,
    check_is_fitted,
    column_or_1d,
)

from tunewright.errors import DataError

if TYPE_CHECKING:
    import polars as pl

__all__ = ["FineTunedClassifier", "FineTunedRegressor"]

Array = np.ndarray[Any, np.dtype[Any]]
TEXT = "text"  # the column's name where X is texts
TARGET = "__target__"


class FineTunedClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn ships no types
    """A classifier that fine-tunes a pretrained model, starting from a probe on its frozen features.

    Args:
        model: `minilm` (embedded), a folder, or a hub id.
        train: what of it trains: head, layers:N, lora, full, or auto.
        epochs: passes over the rows at most, or auto.
        learning_rate: the peak, or auto.
        validation: share of the rows that choices are made on and training stops by.
        balance: auto, none, weights, resample or logit_adjustment.
        metric: that decides among candidates, such as f1_macro; None: as a run decides.
        columns: kind by column name (text, number, category, boolean, datetime, ignore), where the inference should be
            overruled.
        plan: further sections of a plan, such as `{"training": {"dropout": 0.1}}`; they go over the other arguments.
        random_state: a whole number, or None for another one each time.

    Attributes:
        classes_: (k,) the labels, sorted.
        predictor_: the fitted model; `predictor_.predict(frame)` tells more than `predict`.
        n_features_in_: columns of X.
        feature_names_in_: their names, where X had any.
    """

    def __init__(
        self,
        *,
        model: str = "minilm",
        train: str = "auto",
        epochs: int | str = "auto",
        learning_rate: float | str = "auto",
        validation: float = 0.15,
        balance: str = "auto",
        metric: str | None = None,
        columns: Mapping[str, str] | None = None,
        plan: Mapping[str, Any] | None = None,
        random_state: int | None = 0,
    ) -> None:
        self.model = model
        self.train = train
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.validation = validation
        self.balance = balance
        self.metric = metric
        self.columns = columns
        self.plan = plan
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on rows and their labels.

        Raises:
            ValueError: X and y do not fit each other, or there is nothing to learn.
            PlanError: an argument that no plan allows.
        """
        frame, kinds = _table(self, X, fitting=True)
        labels = _targets(y, frame, self)
        check_classification_targets(labels)
        classes, codes = np.unique(labels, return_inverse=True)
        if len(classes) < 2:
            raise DataError(
                f"A classifier needs two classes. Got one class: {classes[:1].tolist()}. Add rows of another."
            )
        self.classes_ = classes
        self.predictor_ = _fit(self, frame, [f"c{code}" for code in codes], kinds | {TARGET: "category"})
        return self

    def predict(self, X: Any) -> Array:
        """(n,) labels."""
        names = _asked(self, X)["prediction"].to_list()
        return np.asarray(self.classes_[[int(name[1:]) for name in names]])

    def predict_proba(self, X: Any) -> Array:
        """(n, k) probabilities, in the order of `classes_`."""
        found = _asked(self, X)["probabilities"].struct
        return np.column_stack([found.field(f"c{place}").to_numpy() for place in range(len(self.classes_))])

    def __sklearn_tags__(self) -> Any:
        """What kinds of X it takes."""
        return _tags(super().__sklearn_tags__())


class FineTunedRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # as above
    """A regressor that fine-tunes a pretrained model, starting from a ridge regression on its frozen features.

    Args:
        model: `minilm` (embedded), a folder, or a hub id.
        train: what of it trains: head, layers:N, lora, full, or auto.
        epochs: passes over the rows at most, or auto.
        learning_rate: the peak, or auto.
        validation: share of the rows that choices are made on and training stops by.
        metric: that decides among candidates, such as r2; None: as a run decides.
        columns: kind by column name, where the inference should be overruled.
        plan: further sections of a plan; they go over the other arguments.
        random_state: a whole number, or None for another one each time.

    Attributes:
        predictor_: the fitted model; `predictor_.predict(frame)` adds 90 % prediction intervals.
        n_features_in_: columns of X.
        feature_names_in_: their names, where X had any.
    """

    def __init__(
        self,
        *,
        model: str = "minilm",
        train: str = "auto",
        epochs: int | str = "auto",
        learning_rate: float | str = "auto",
        validation: float = 0.15,
        metric: str | None = None,
        columns: Mapping[str, str] | None = None,
        plan: Mapping[str, Any] | None = None,
        random_state: int | None = 0,
    ) -> None:
        self.model = model
        self.train = train
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.validation = validation
        self.metric = metric
        self.columns = columns
        self.plan = plan
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> Self:
        """Fit on rows and their values.

        Raises:
            ValueError: X and y do not fit each other, or there is nothing to learn.
            PlanError: an argument that no plan allows.
        """
        frame, kinds = _table(self, X, fitting=True)
        values = np.asarray(_targets(y, frame, self), np.float64)
        self.predictor_ = _fit(self, frame, values.tolist(), kinds | {TARGET: "number"})
        return self

    def predict(self, X: Any) -> Array:
        """(n,) values."""
        return np.asarray(_asked(self, X)["prediction"].to_numpy(), np.float64)

    def __sklearn_tags__(self) -> Any:
        """What kinds of X it takes."""
        return _tags(super().__sklearn_tags__())


def _fit(estimator: Any, frame: pl.DataFrame, targets: Sequence[Any], kinds: Mapping[str, str]) -> Any:
    import polars as pl

    from tunewright.plan import read_plan
    from tunewright.stories.training.fitting import fit_rows

    seed = estimator.random_state
    given: dict[str, Any] = {
        "data": {"target": TARGET, "columns": {**kinds, **(estimator.columns or {})}, "pair": "none"},
        "model": {"name": estimator.model, "train": estimator.train},
        "training": {"epochs": estimator.epochs, "learning_rate": estimator.learning_rate},
        "splits": {"validation": estimator.validation},
        "audit": {"apply": "none"},
        "balance": getattr(estimator, "balance", "auto"),
        "seed": int(np.random.default_rng().integers(2**32)) if seed is None else int(seed),
    }
    if estimator.metric is not None:
        given["objective"] = {"metric": estimator.metric}
    for section, value in (estimator.plan or {}).items():
        both = isinstance(value, Mapping) and isinstance(given.get(section), Mapping)
        given[section] = {**given[section], **value} if both else value
    return fit_rows(frame.with_columns(pl.Series(TARGET, list(targets))), read_plan(None, **given))


def _asked(estimator: Any, X: Any) -> Any:
    """The fitted model's answers for X, columns by name."""
    from tunewright.stories.training.fitting import answers

    check_is_fitted(estimator)
    return answers(estimator.predictor_, _table(estimator, X, fitting=False)[0])


def _targets(y: Any, frame: pl.DataFrame, estimator: Any) -> Array:
    if y is None:
        raise DataError(f"{type(estimator).__name__} requires y to be passed, but the target y is None. Pass it.")
    values = column_or_1d(y.to_numpy() if hasattr(y, "to_numpy") else np.asarray(y), warn=True)
    check_consistent_length(frame, values)
    assert_all_finite(values, input_name="y", estimator_name=type(estimator).__name__)
    return np.asarray(values)


def _table(estimator: Any, X: Any, *, fitting: bool) -> tuple[pl.DataFrame, dict[str, str]]:
    """X as a table, and the kinds of columns that are certain."""
    from tunewright.data import read

    kinds: dict[str, str] = {}
    names: list[str] | None = None
    if hasattr(X, "to_frame") and not hasattr(X, "columns"):  # a Series of pandas or polars
        X = X.to_list()
    if hasattr(X, "__arrow_c_stream__") and hasattr(X, "columns"):
        frame = read(X).frame
        names = [str(name) for name in X.columns] if all(isinstance(name, str) for name in X.columns) else None
    elif isinstance(X, list) and X and all(isinstance(row, Mapping) for row in X):
        frame = read(X).frame
        names = frame.columns
    else:
        frame, kinds = _of_array(X)
    _remember(estimator, frame, names, fitting=fitting)
    return frame, kinds


def _of_array(X: Any) -> tuple[pl.DataFrame, dict[str, str]]:
    import polars as pl

    from tunewright.data import read

    array = np.asarray(X) if not hasattr(X, "tocsr") else np.empty((0, 0))  # sparse ones are refused below
    if array.ndim == 1 and array.dtype.kind in "UOT" and len(array):
        texts = [None if cell is None or cell != cell else str(cell) for cell in array.tolist()]
        return pl.DataFrame({TEXT: pl.Series(texts, dtype=pl.String)}), {TEXT: "text"}
    array = check_array(X, dtype=None, ensure_all_finite=False, input_name="X")
    names = [f"x{place}" for place in range(array.shape[1])]
    if array.dtype.kind in "biuf":
        numbers = np.asarray(array, np.float64)
        columns = {name: pl.Series(name, numbers[:, place]).fill_nan(None) for place, name in enumerate(names)}
        return pl.DataFrame(columns), dict.fromkeys(names, "number")
    cells = array.tolist()
    rows = [dict(zip(names, (None if c is None or c != c else c for c in row), strict=True)) for row in cells]
    return read(rows).frame, {}


def _remember(estimator: Any, frame: pl.DataFrame, names: list[str] | None, *, fitting: bool) -> None:
    """Note what X looked like when it was learned from; later, hold it to that."""
    if fitting:
        if TARGET in frame.columns:
            raise DataError(f"X must not have a column {TARGET!r}. Rename it.")
        estimator.n_features_in_ = frame.width
        if names is not None:
            estimator.feature_names_in_ = np.asarray(names, dtype=object)
        elif hasattr(estimator, "feature_names_in_"):
            del estimator.feature_names_in_
        return
    if frame.width != estimator.n_features_in_:
        raise DataError(
            f"X has {frame.width} features, but {type(estimator).__name__} is expecting {estimator.n_features_in_} "
            "features as input. Pass the columns that it was fitted on."
        )


def _tags(tags: Any) -> Any:
    # A sequence of texts is taken, too; the tag for it says that nothing else is.
    tags.input_tags.string = True
    tags.input_tags.allow_nan = True
    return tags
