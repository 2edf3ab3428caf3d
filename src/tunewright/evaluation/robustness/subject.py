"""The rows that are tried, and the model that answers them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from tunewright.metrics import Outcome
from tunewright.records import Table
from tunewright.tasks import Decision, Multilabel, Regression, Task

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Tried:
    """Rows, and the model that answers them.

    Args:
        typed: (n) labelled rows, as `conform` casts them.
        rows: (n,) their numbers in the file.
        targets: of these rows, as the task encodes them.
        table: their columns.
        task: what is predicted.
        decision: thresholds, temperature, interval width, as chosen long before.
        outputs: typed rows to (m, K) outputs; asked once for the rows as they are and once for each damage.
    """

    typed: pl.DataFrame
    rows: Array
    targets: Array
    table: Table
    task: Task
    decision: Decision
    outputs: Callable[[pl.DataFrame], Array]

    def take(self, places: Array) -> Tried:
        """Some of the rows."""
        typed = self.typed[places.tolist()]
        return replace(self, typed=typed, rows=self.rows[places], targets=self.targets[places])

    def outcome(self, typed: pl.DataFrame) -> Outcome:
        """What is answered for other cells of the same rows, beside their truth."""
        return self.task.outcome(self.targets, self.outputs(typed), self.decision)

    def said(self, outcome: Outcome, place: int) -> str:
        """The answer to one row as text."""
        if isinstance(self.task, Regression):
            return f"{float(outcome.labels[place]):.6g}"
        return str(self.task.names(outcome.take(np.array([place])))[0])

    def sureness(self, outcome: Outcome) -> Array | None:
        """(n,) probability of the label said; of several labels a row, of the least sure decision; none of numbers."""
        if outcome.probabilities is None or isinstance(self.task, Regression):
            return None
        if isinstance(self.task, Multilabel):
            said = np.where(outcome.labels == 1, outcome.probabilities, 1 - outcome.probabilities)
            return np.asarray(said.min(1))
        return np.asarray(outcome.probabilities[np.arange(outcome.rows), outcome.labels])

    def moved(self, before: Outcome, after: Outcome) -> Array:
        """(n,) whether each answer is another: another label, or a number beyond the interval around the first."""
        if isinstance(self.task, Regression):
            width = self.decision.half_width or self.task.scale / 2
            return np.asarray(np.abs(after.labels - before.labels) > width)
        return np.asarray(np.not_equal(before.labels, after.labels).reshape(before.rows, -1).any(axis=1))
