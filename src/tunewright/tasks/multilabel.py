"""Multilabel: any number of labels per row, one sigmoid and one threshold each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tunewright.metrics import Outcome
from tunewright.records import TaskKind
from tunewright.tasks.decision import Decision

if TYPE_CHECKING:
    from torch import Tensor

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Multilabel:
    """Predict a set of `labels`.

    >>> task = Multilabel.fit(pl.Series([["joy"], ["fear", "joy"]]))
    >>> task.encode(pl.Series([["fear"]])).tolist()
    [[1.0, 0.0]]
    """

    labels: tuple[str, ...]

    @classmethod
    def fit(cls, values: pl.Series) -> Multilabel:
        """Learn the labels of the train and validation rows."""
        return cls(labels=tuple(sorted(values.drop_nulls().explode().drop_nulls().unique().to_list())))

    @property
    def kind(self) -> TaskKind:
        """Always multilabel."""
        return "multilabel"

    @property
    def outputs(self) -> int:
        """One logit per label."""
        return len(self.labels)

    def encode(self, values: pl.Series) -> Array:
        """(n, k) float32 of zeros and ones; labels that were not there to learn are left out."""
        numbers = {label: number for number, label in enumerate(self.labels)}
        targets = np.zeros((len(values), len(self.labels)), np.float32)
        for row, labels in enumerate(values.to_list()):
            for label in labels or ():
                if label in numbers:
                    targets[row, numbers[label]] = 1.0
        return targets

    def loss(self, outputs_BK: Tensor, targets_BK: Tensor, smoothing: float = 0.0) -> Tensor:
        """(B,) binary cross-entropy in nats, summed over labels."""
        from torch.nn.functional import binary_cross_entropy_with_logits

        smooth = targets_BK * (1 - smoothing) + smoothing / 2
        return binary_cross_entropy_with_logits(outputs_BK, smooth, reduction="none").sum(-1)

    def outcome(self, targets: Array, outputs: Array, decision: Decision) -> Outcome:
        """Predictions beside the truth, ready for the metrics."""
        probabilities = self.probabilities(outputs, decision)
        thresholds = np.array(decision.thresholds or (0.5,) * len(self.labels))
        return Outcome(
            task=self.kind,
            truth=targets.astype(np.int64),
            labels=(probabilities >= thresholds).astype(np.int64),
            probabilities=probabilities,
            classes=len(self.labels),
            positive=None,
        )

    def probabilities(self, outputs: Array, decision: Decision) -> Array:
        """(n, k) sigmoid of outputs over temperature."""
        from scipy.special import expit

        return np.asarray(expit(np.asarray(outputs, np.float64) / decision.temperature))

    def names(self, outcome: Outcome) -> list[str]:
        """Predicted labels joined with `|`."""
        return ["|".join(label for label, on in zip(self.labels, row, strict=True) if on) for row in outcome.labels]
