"""What a metric looks at: the truth of some rows and what a model said about them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tunewright.errors import DataError
from tunewright.records import TaskKind

Array = NDArray[Any]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Outcome:
    """Truth and predictions of n rows, in one order.

    Args:
        task: what is predicted; fixes the shapes below.
        truth: binary, multiclass (n,) class numbers, -1 for a label that training never saw (always wrong, and left
            out of what probabilities are judged by); multilabel (n, k) of 0 and 1; regression (n,) numbers.
        labels: what was predicted, in the shape of `truth`; regression: the predicted values.
        probabilities: (n, k), or None where the model has none; binary has k = 2.
        classes: k; 0 for regression.
        positive: binary: the class that precision, recall, F1, AUC and average precision speak of; None is class 1.

    Raises:
        DataError: no rows, shapes that do not fit, numbers that are not finite or no class numbers.

    >>> Outcome(task="regression", truth=np.array([1.0, 2.0]), labels=np.array([1.5, 2.0])).rows
    2
    """

    task: TaskKind
    truth: Array
    labels: Array
    probabilities: Array | None = None
    classes: int = 0
    positive: int | None = None

    def __post_init__(self) -> None:
        shape = (len(self.truth), self.classes) if self.task == "multilabel" else (len(self.truth),)
        _must(len(self.truth) > 0, "at least one row", "none", "Give the part some rows")
        for name in ("truth", "labels"):
            found = getattr(self, name).shape
            _must(found == shape, f"`{name}` of shape {shape}", f"{found}", "Align truth and predictions")
        if self.task == "regression":
            finite = np.isfinite(self.truth).all() and np.isfinite(self.labels).all()
            _must(bool(finite), "finite numbers", "NaN or infinity", "Look for a diverged training or an empty target")
            return
        self._check_classes()

    def _check_classes(self) -> None:
        lowest, highest = (0, 1) if self.task == "multilabel" else (0, self.classes - 1)
        unseen = 0 if self.task == "multilabel" else -1
        _must(self.task != "binary" or self.classes == 2, "two classes for a binary task", f"{self.classes}", "Count")
        for name, floor in (("truth", unseen), ("labels", lowest)):
            values = getattr(self, name)
            whole = values.dtype.kind in ("iub" if self.task == "multilabel" else "iu")
            _must(whole, f"whole numbers in `{name}`", f"{values.dtype}", "Convert it with astype(int)")
            low, high = values.min(initial=highest), values.max(initial=lowest)
            fits = floor <= low and high <= highest
            _must(bool(fits), f"`{name}` within {floor}..{highest}", f"{low}..{high}", "Encode with the model's labels")
        if self.probabilities is not None:
            shape = (len(self.truth), self.classes)
            found = self.probabilities.shape
            _must(found == shape, f"probabilities of shape {shape}", f"{found}", "Keep one column per class")
            finite = bool(np.isfinite(self.probabilities).all())
            _must(finite, "finite probabilities", "NaN or infinity", "Look for a diverged training")

    @property
    def rows(self) -> int:
        """How many rows."""
        return len(self.truth)

    @property
    def known(self) -> NDArray[np.bool_]:
        """(n,) rows whose true label the model could have said."""
        seen: NDArray[np.bool_] = np.ones(self.rows, dtype=bool) if self.truth.ndim > 1 else np.asarray(self.truth >= 0)
        return np.ones(self.rows, dtype=bool) if self.task == "regression" else seen

    @property
    def positive_class(self) -> int:
        """Binary: the class number that one-sided metrics speak of."""
        return 1 if self.positive is None else self.positive

    @property
    def strata(self) -> NDArray[np.int64] | None:
        """(n,) the true class where resamples keep the classes' sizes; None for multilabel and regression."""
        return self.truth.astype(np.int64) if self.task in ("binary", "multiclass") else None

    def take(self, rows: Array) -> Outcome:
        """The outcome of some rows, in that order."""
        known = self.probabilities
        return replace(
            self,
            truth=self.truth[rows],
            labels=self.labels[rows],
            probabilities=None if known is None else known[rows],
        )


def _must(holds: bool, what: str, got: str, repair: str) -> None:
    if not holds:
        raise DataError(f"Metrics need {what}. Got {got}. {repair}.")
