"""Where the model fails: confusion matrix, predicted against true, the worst mistakes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from tunewright.metrics import Outcome
from tunewright.records import Analysis, Mistake, MistakeGroup, Table
from tunewright.tasks import Classification, Multilabel, Regression, Task

Array = np.ndarray[Any, np.dtype[Any]]
MOST_MISTAKES = 100
MOST_POINTS = 2000
LONGEST_CELL = 300
MOST_GROUPS = 20
NOBODY: Mapping[int, str] = {}


def analyse(
    task: Task,
    outcome: Outcome,
    typed: pl.DataFrame,
    rows: tuple[int, ...],
    table: Table,
    *,
    doubted: Mapping[int, str] = NOBODY,
) -> Analysis:
    """Look at the errors on one part.

    Args:
        task: the task.
        outcome: truth and predictions of the part's rows.
        typed: the same rows, typed.
        rows: their row numbers in the file.
        table: which columns to show.
        doubted: by row number, the label that the other rows suggest where they speak against the given one.
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
            suspect=rows[i] in doubted,
            instead=doubted.get(rows[i], ""),
        )
        for i in worst
        if badness[i] > 0
    )
    return Analysis(
        labels=task.labels if isinstance(task, Classification) else (),
        matrix=_matrix(task, outcome) if isinstance(task, Classification) else (),
        points=_points(outcome) if isinstance(task, Regression) else (),
        mistakes=mistakes,
        groups=grouped(task, outcome, rows, doubted=doubted) if isinstance(task, Classification) else (),
    )


def grouped(
    task: Classification,
    outcome: Outcome,
    rows: tuple[int, ...],
    *,
    doubted: Mapping[int, str] = NOBODY,
    examples: int = 5,
) -> tuple[MistakeGroup, ...]:
    """Mistakes by true and said class, the most frequent first, each with its surest rows; at most 20 kinds.

    A mistake counts as a suspect where the label itself is doubted and the other rows suggest what the model said: then
    the label is likelier wrong than the model.

    Args:
        task: names the classes.
        outcome: truth and predictions of n rows.
        rows: (n,) their row numbers in the file.
        doubted: by row number, the suggested label.
        examples: rows that are named.
    """
    assert outcome.probabilities is not None
    wrong = np.flatnonzero((outcome.labels != outcome.truth) & (outcome.truth >= 0))
    surely = outcome.probabilities[wrong, outcome.labels[wrong]]
    wrong = wrong[np.argsort(-surely, kind="stable")]
    kinds: dict[tuple[int, int], list[int]] = {}
    for place in wrong:
        kinds.setdefault((int(outcome.truth[place]), int(outcome.labels[place])), []).append(rows[place])
    often = sorted(kinds.items(), key=lambda kind: (-len(kind[1]), kind[0]))[:MOST_GROUPS]
    return tuple(
        MistakeGroup(
            truth=task.labels[truth],
            predicted=task.labels[said],
            rows=len(found),
            suspects=sum(doubted.get(row) == task.labels[said] for row in found),
            examples=tuple(found[:examples]),
        )
        for (truth, said), found in often
    )


def errors_of(outcome: Outcome) -> Array:
    """(n,) how wrong each row is: 0 or 1 for classes, wrong labels per row for sets of them, the absolute error."""
    if outcome.task == "regression":
        return np.abs(np.asarray(outcome.truth - outcome.labels, np.float64))
    wrong = np.asarray(outcome.labels != outcome.truth, np.float64)
    return wrong.sum(1) if wrong.ndim > 1 else wrong


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
