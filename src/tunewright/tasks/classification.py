"""Binary and multiclass: one label per row, softmax over the labels; binary adds a threshold on the positive label."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tunewright.metrics import Outcome
from tunewright.records import TaskKind
from tunewright.tasks.costs import decide
from tunewright.tasks.decision import Decision

if TYPE_CHECKING:
    from torch import Tensor

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Classification:
    """Predict one of `labels`.

    Args:
        labels: sorted labels of the train and validation rows.
        positive: binary only: the label that precision, recall, F1 and the threshold speak of.
        costs: (K, K) rows of what it costs to say a label (column) where another is true (row); the answer is then the
            label of the least expected cost. Empty: every confusion costs the same.

    >>> task = Classification.fit(pl.Series(["spam", "ham", "ham"]))
    >>> task.positive, task.encode(pl.Series(["ham", "eggs"])).tolist()
    ('spam', [0, -1])
    """

    labels: tuple[str, ...]
    positive: str | None = None
    costs: tuple[tuple[float, ...], ...] = ()

    @classmethod
    def fit(cls, values: pl.Series, positive: str | None = None) -> Classification:
        """Learn the labels; the positive label of a binary task is the rarer one unless named."""
        counts = values.drop_nulls().cast(pl.String).value_counts(name="\0rows").rows()
        labels = tuple(sorted(label for label, _ in counts))
        if len(labels) == 2 and positive is None:
            positive = min(counts, key=lambda row: (row[1], row[0]))[0]
        return cls(labels=labels, positive=positive if len(labels) == 2 else None)

    @property
    def kind(self) -> TaskKind:
        """Binary with two labels, otherwise multiclass."""
        return "binary" if len(self.labels) == 2 else "multiclass"

    @property
    def outputs(self) -> int:
        """One logit per label."""
        return len(self.labels)

    def encode(self, values: pl.Series) -> Array:
        """(n,) int64 label numbers; −1 for a label that was not there to learn."""
        numbers = {label: number for number, label in enumerate(self.labels)}
        return np.array([numbers.get(value, -1) for value in values.cast(pl.String).to_list()], np.int64)

    def loss(self, outputs_BK: Tensor, targets_B: Tensor, smoothing: float = 0.0) -> Tensor:
        """(B,) cross-entropy in nats; rows with an unknown label count zero."""
        from torch.nn.functional import cross_entropy

        return cross_entropy(outputs_BK, targets_B, ignore_index=-1, reduction="none", label_smoothing=smoothing)

    def outcome(self, targets: Array, outputs: Array, decision: Decision) -> Outcome:
        """Predictions beside the truth, ready for the metrics."""
        probabilities = self.probabilities(outputs, decision)
        positive = None if self.positive is None else self.labels.index(self.positive)
        labels = decide(probabilities, np.array(self.costs)) if self.costs else probabilities.argmax(1)
        if positive is not None and decision.thresholds:
            labels = np.where(probabilities[:, positive] >= decision.thresholds[0], positive, 1 - positive)
        return Outcome(
            task=self.kind,
            truth=targets,
            labels=labels,
            probabilities=probabilities,
            classes=len(self.labels),
            positive=positive,
        )

    def probabilities(self, outputs: Array, decision: Decision) -> Array:
        """(n, k) softmax of outputs over temperature."""
        logits = np.asarray(outputs, np.float64) / decision.temperature
        logits -= logits.max(1, keepdims=True)
        powers = np.exp(logits)
        return np.asarray(powers / powers.sum(1, keepdims=True))

    def names(self, outcome: Outcome) -> list[str]:
        """Predicted labels as text."""
        return [self.labels[number] for number in outcome.labels]
