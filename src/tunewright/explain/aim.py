"""What of an answer is explained: one label, or the number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewright.bundle.model import FittedModel
from tunewright.errors import DataError
from tunewright.metrics import Outcome
from tunewright.tasks import Classification, Multilabel, Regression, Task

Array = np.ndarray[Any, np.dtype[Any]]
LEAST = 1e-15  # probabilities closer than this to 0 or 1 are told no further apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """One label of a classifier (its place in the task's labels), or the number of a regression (0).

    Args:
        task: the model's.
        temperature: logits are divided by it.
        label: place of the label.
    """

    task: Task
    temperature: float
    label: int

    @property
    def name(self) -> str:
        """The label as text, empty for a regression."""
        return self.task.labels[self.label] if self.task.labels else ""

    @property
    def unit(self) -> str:
        """What weights are measured in."""
        if isinstance(self.task, Regression):
            return "log(1 + target)" if self.task.log else "units of the target"
        return f"log odds of {self.name}"

    def score(self, outputs: Array) -> Array:
        """(..., K) outputs to (...) scores in `unit`; what weights add to or take from."""
        return np.asarray(pushes(self.task, outputs, self.temperature)[..., self.label])

    def level(self, outputs: Array) -> Array:
        """(..., K) to (...): the label's probability, or the value in standard deviations of the train target."""
        score = self.score(outputs)
        if isinstance(self.task, Regression):
            return np.asarray((score - self.task.mean) / self.task.scale)
        return np.asarray(1 / (1 + np.exp(-score)))


def pushes(task: Task, outputs: Array, temperature: float) -> Array:
    """(..., K) log odds of every label against all others; regression (..., 1): the value before bounds.

    >>> pushes(Multilabel(labels=("a",)), np.array([[3.0]]), 2.0).tolist()
    [[1.5]]
    """
    values = np.asarray(outputs, np.float64)
    if isinstance(task, Regression):
        return values * task.scale + task.mean
    values = values / temperature
    if isinstance(task, Multilabel):
        return values
    powers = np.exp(values - values.max(-1, keepdims=True))
    shares = np.clip(powers / powers.sum(-1, keepdims=True), LEAST, 1 - LEAST)
    return np.asarray(np.log(shares) - np.log1p(-shares))


def aims(model: FittedModel, outputs: Array, outcome: Outcome, *, label: str | None = None) -> list[Aim]:
    """What to explain of each row: the label asked for, else the one said (of several, or of none: the likeliest).

    Args:
        model: the fitted model.
        outputs: (n, K) of the rows.
        outcome: what was decided on them.
        label: explain this one of each row.

    Raises:
        DataError: a label that the model does not know, or any for a regression.
    """
    task, temperature = model.task, model.decision.temperature
    if label is not None:
        return [Aim(task=task, temperature=temperature, label=_place(task, label))] * len(outputs)
    if isinstance(task, Classification):
        said: Sequence[int] = [int(one) for one in outcome.labels]
    elif isinstance(task, Multilabel):
        said = [int(np.where(on.any() & (on == 0), -np.inf, row).argmax()) for on, row in zip(outcome.labels, outputs)]
    else:
        said = [0] * len(outputs)
    return [Aim(task=task, temperature=temperature, label=one) for one in said]


def _place(task: Task, label: str) -> int:
    if label not in task.labels:
        there = f"It has {', '.join(task.labels[:10])}" if task.labels else "It predicts a number and has none"
        raise DataError(f"A label to explain must be one of the model's. Got {label!r}. {there}. Name one, or none.")
    return task.labels.index(label)
