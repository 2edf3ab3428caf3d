"""Which rows the finished model answers wrongly, by number: where a person may look for labels that are wrong.

The validation rows are those whose labels a person can correct with effect; what the report shows are the test rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tunewright.analysis.mistakes import errors_of
from tunewright.tasks import Regression

if TYPE_CHECKING:
    from tunewright.metrics import Outcome
    from tunewright.stories.prepare import Prepared
    from tunewright.stories.training.station import Trained
    from tunewright.tasks import Task

PARTS = ("validation", "test")
MOST = 500  # rows of a part that are listed
LARGEST = 0.05  # of the rows, those with the largest errors: no number is quite right


def mistaken(prepared: Prepared, trained: Trained) -> dict[str, list[dict[str, Any]]]:
    """By part, the rows that are answered wrongly, the surest mistakes first; of numbers, the largest errors.

    Returns:
        Per part a list of `{"row", "predicted", "confidence"}`; confidence is null where there is no probability.
    """
    problem, fitted = trained.rows.problem, trained.fitted
    found = {}
    for part in PARTS:
        outcome = problem.task.outcome(problem.targets[part], fitted.outputs[part], fitted.model.decision)
        found[part] = _listed(problem.task, outcome, getattr(prepared.split, part))
    return found


def _listed(task: Task, outcome: Outcome, rows: tuple[int, ...]) -> list[dict[str, Any]]:
    names, sure = task.names(outcome), _sure(outcome)
    badness = errors_of(outcome) if sure is None else errors_of(outcome) * sure
    most = min(MOST, max(round(LARGEST * len(rows)), 1)) if isinstance(task, Regression) else MOST
    worst = [int(i) for i in np.argsort(-badness, kind="stable")[:most] if badness[i] > 0]
    return [
        {"row": int(rows[i]), "predicted": names[i], "confidence": None if sure is None else round(float(sure[i]), 4)}
        for i in worst
    ]


def _sure(outcome: Outcome) -> np.ndarray[Any, np.dtype[Any]] | None:
    """(n,) probability of what was said; None where a row has no one class."""
    if outcome.probabilities is None or outcome.labels.ndim != 1:
        return None
    return np.asarray(outcome.probabilities[np.arange(outcome.rows), outcome.labels.astype(np.int64)])
