"""What training is judged by: the loss on rows, and the objective metric on validation outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tunewright.data.wording import agreeing
from tunewright.errors import DataError
from tunewright.learning.balance import Balance
from tunewright.learning.decisions import fit_decision
from tunewright.learning.problem import Problem
from tunewright.metrics import metric as metric_of

if TYPE_CHECKING:
    from torch import Tensor

Array = np.ndarray[Any, np.dtype[Any]]
# What an undefined or infinite metric counts as: worse than anything defined.
WORST = -1e9


@dataclass(frozen=True, slots=True)
class Judging:
    """How a problem's models are judged.

    Args:
        problem: task, targets, row weights.
        balance: what is done about rare classes.
        metric: the objective metric.
    """

    problem: Problem
    balance: Balance
    metric: str

    @property
    def sign(self) -> int:
        """1 where a higher metric is better, otherwise −1."""
        return 1 if metric_of(self.metric).greater_is_better else -1

    def loss(self, outputs: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        """(B,) losses, with logits adjusted where balancing asks for it."""
        if self.balance.offset is not None:
            import torch

            outputs = outputs + torch.from_numpy(self.balance.offset).to(outputs)
        return self.problem.task.loss(outputs, targets, smoothing)

    def judge(self, outputs: Array) -> float:
        """Validation outputs (n, K) to the metric after its decision was fitted; higher is always better.

        0 where there are no validation rows: then everything is settled, and nothing is chosen.
        """
        return self.score(outputs, self.problem.targets["validation"]) if len(outputs) else 0.0

    def score(self, outputs: Array, targets: Array) -> float:
        """The same of other rows, with a decision of their own; higher is always better."""
        task = self.problem.task
        value = metric_of(self.metric).value(
            task.outcome(targets, outputs, fit_decision(task, outputs, targets, self.metric))
        )
        return WORST if value is None or not np.isfinite(value) else self.sign * float(value)

    def natural(self, value: float) -> float | None:
        """What `judge` gave in the metric's own direction, None where it was undefined."""
        return None if value <= WORST else self.sign * value

    def refuse_undefined(self) -> None:
        """Refuse validation rows on which no answers at all would have a metric: nothing could be chosen by it.

        Raises:
            DataError: the metric is undefined on them, as where all truths are one class or one value.
        """
        rows = len(self.problem.targets["validation"])
        anything = np.random.default_rng(0).normal(size=(rows, self.problem.task.outputs))
        if not rows or self.score(anything.astype(np.float32), self.problem.targets["validation"]) > WORST:
            return
        raise DataError(
            f"{self.metric} decides on validation rows, so it must be defined on them. Got {rows:,} validation "
            f"{agreeing(rows, 'row', 'rows')} on which it is not: too few, or all of one class or value. Give more "
            "rows, a larger splits.validation, or another objective.metric."
        )

    def weights(self) -> Array | None:
        """(n,) importance of the train rows: the expert's times the balance's, or None."""
        given = [weights for weights in (self.problem.weights, self.balance.weights) if weights is not None]
        return np.asarray(np.prod(given, axis=0), np.float32) if given else None

    def importance(self) -> Array | None:
        """`weights`, with repeated rows counted as often, for what is fitted in one go."""
        if self.balance.rows is None:
            return self.weights()
        repeats = np.bincount(self.balance.rows, minlength=len(self.problem.inputs["train"])).astype(np.float32)
        given = self.weights()
        return repeats if given is None else repeats * given

    def rows(self) -> Array:
        """Train rows to use, repeated where balancing resamples."""
        everything = np.arange(len(self.problem.inputs["train"]))
        return everything if self.balance.rows is None else self.balance.rows
