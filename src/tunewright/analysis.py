"""Where the model fails: confusion matrix, predicted against true, the worst mistakes."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl

from tunewright.metrics import Outcome
from tunewright.records import Analysis, Mistake, Table
from tunewright.tasks import Classification, Multilabel, Regression, Task

Array = np.ndarray[Any, np.dtype[Any]]
MOST_MISTAKES = 30
MOST_POINTS = 2000
LONGEST_CELL = 300


def analyse(task: Task, outcome: Outcome, typed: pl.DataFrame, rows: tuple[int, ...], table: Table) -> Analysis:
    """Look at the errors on one part.

    Args:
        task: the task.
        outcome: truth and predictions of the part's rows.
        typed: the same rows, typed.
        rows: their row numbers in the file.
        table: which columns to show.
    """
    badness = _badness(task, outcome)
    worst = np.argsort(-badness, kind="stable")[:MOST_MISTAKES]
    shown = [column.name for column in table.columns if column.role == "feature"]
    predicted = task.names(outcome)
    mistakes = tuple(
        Mistake(
            row=rows[i],
            truth=_text(typed[table.target][int(i)]),
            predicted=predicted[i],
            confidence=_confidence(task, outcome, int(i)),
            cells={name: _text(typed[name][int(i)]) for name in shown},
        )
        for i in worst
        if badness[i] > 0
    )
    return Analysis(
        labels=task.labels if isinstance(task, Classification) else (),
        matrix=_matrix(task, outcome) if isinstance(task, Classification) else (),
        points=_points(outcome) if isinstance(task, Regression) else (),
        mistakes=mistakes,
    )


def _badness(task: Task, outcome: Outcome) -> Array:
    """How wrong each row is, zero where right: probability of the wrong answer, or size of the error."""
    if isinstance(task, Regression):
        return np.asarray(np.abs(outcome.truth - outcome.labels))
    assert outcome.probabilities is not None
    if isinstance(task, Multilabel):
        wrong = outcome.labels != outcome.truth
        return np.asarray((np.abs(outcome.probabilities - outcome.truth) * wrong).sum(1))
    said = outcome.probabilities[np.arange(outcome.rows), outcome.labels]
    return np.where(outcome.labels == outcome.truth, 0.0, said)


def _confidence(task: Task, outcome: Outcome, row: int) -> float | None:
    if not isinstance(task, Classification) or outcome.probabilities is None:
        return None
    return float(outcome.probabilities[row, outcome.labels[row]])


def _matrix(task: Classification, outcome: Outcome) -> tuple[tuple[int, ...], ...]:
    known = outcome.truth >= 0
    counts = np.zeros((task.outputs, task.outputs), np.int64)
    np.add.at(counts, (outcome.truth[known], outcome.labels[known]), 1)
    return tuple(tuple(int(cell) for cell in line) for line in counts)


def _points(outcome: Outcome) -> tuple[tuple[float, float], ...]:
    step = max(-(-outcome.rows // MOST_POINTS), 1)
    return tuple((float(t), float(p)) for t, p in zip(outcome.truth[::step], outcome.labels[::step], strict=True))


def _text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, list | pl.Series):
        return "|".join(str(part) for part in cell)
    text = f"{cell:.6g}" if isinstance(cell, float) else str(cell)
    return text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"
