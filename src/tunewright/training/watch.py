"""What is looked at after each epoch beside the validation rows: a fixed sample of the train rows."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewright.models.inputs import Inputs
from tunewright.records import Epoch

Array = np.ndarray[Any, np.dtype[Any]]
# A loss of so many times that of a constant answer is worse than knowing nothing, by far.
JUMP = 2.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Watch:
    """Train rows to look at, in evaluation mode and without touching any random generator; it changes no weight.

    Args:
        inputs: of the sample's s rows.
        drawn: (s,) whether a row was drawn from all; the others are there for their doubtful label.
        suspects: (s,) whether a row's label is doubtful.
        losses: outputs (s, K) to (s,) losses.
        judge: outputs of the drawn rows to the objective metric, higher is better.
        constant_loss: mean loss of an answer that is always the same.
        hear: hears the learning curve after each epoch.
    """

    inputs: Inputs
    drawn: Array
    suspects: Array
    losses: Callable[[Array], Array]
    judge: Callable[[Array], float]
    constant_loss: float
    hear: Callable[[Sequence[Epoch]], None]

    def look(self, outputs: Array) -> dict[str, float | None]:
        """The sample's fields of an `Epoch`; None where something is not finite or there are no such rows."""
        if not np.isfinite(outputs).all():
            return {}
        losses, others = self.losses(outputs), self.drawn & ~self.suspects
        return {
            "train_metric": self.judge(outputs[self.drawn]),
            "sample_loss": _mean(losses[self.drawn]),
            "suspect_loss": _mean(losses[self.suspects]),
            "other_loss": _mean(losses[others]),
        }

    def jumped(self, loss: float) -> bool:
        """Whether an update's loss is not finite, or says that the weights have come off the road."""
        return not loss <= JUMP * self.constant_loss


def _mean(losses: Array) -> float | None:
    mean = float(losses.mean()) if len(losses) else math.nan
    return mean if math.isfinite(mean) else None
