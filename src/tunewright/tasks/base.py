"""The table of tasks, and their way into and out of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl

from tunewright.errors import DataError, PlanError
from tunewright.records import TargetScale, TaskKind, from_json, to_json
from tunewright.tasks.classification import Classification
from tunewright.tasks.costs import read_costs
from tunewright.tasks.decision import Decision, label_sets
from tunewright.tasks.multilabel import Multilabel
from tunewright.tasks.regression import Regression

Task = Classification | Multilabel | Regression
TASKS: tuple[type[Classification] | type[Multilabel] | type[Regression], ...] = (Classification, Multilabel, Regression)

__all__ = ["TASKS", "Decision", "Task", "label_sets", "make_task", "task_from_json", "task_to_json"]


def make_task(
    kind: TaskKind,
    values: pl.Series,
    *,
    positive: str | None = None,
    target_scale: TargetScale = "auto",
    costs: Mapping[str, float] | None = None,
) -> Task:
    """Learn a task of that kind from target values that are not test rows'.

    Raises:
        DataError: fewer than two labels.
        PlanError: `positive` is not one of two labels, or costs that do not fit the labels.
    """
    if costs and kind not in ("binary", "multiclass"):
        raise PlanError(f"knowledge.costs must be of confusions between labels. The task is {kind}. Remove them.")
    if kind == "regression":
        return Regression.fit(values, target_scale)
    task: Classification | Multilabel = (
        Multilabel.fit(values) if kind == "multilabel" else Classification.fit(values, positive)
    )
    if len(task.labels) < 2 and kind != "multilabel":
        raise DataError(
            "A classifier needs at least two labels in the rows that are not test rows. "
            f"Got {len(task.labels)}: {', '.join(task.labels) or 'none'}. Check the target column."
        )
    if positive is not None and (positive not in task.labels or kind != "binary"):
        raise PlanError(
            f"objective.positive must be one of the two labels of a binary task. Got {positive!r}; "
            f"the labels are {', '.join(task.labels[:10])}. Name one of two, or leave it out."
        )
    if costs and isinstance(task, Classification):
        matrix = read_costs(costs, task.labels).tolist()
        return replace(task, costs=tuple(tuple(row) for row in matrix))
    return task


def task_to_json(task: Task) -> dict[str, Any]:
    """Plain JSON of a task, with its class name."""
    return {"task": type(task).__name__, **to_json(task)}


def task_from_json(value: dict[str, Any]) -> Task:
    """Rebuild a task.

    >>> task_from_json(task_to_json(Multilabel(labels=("a",))))
    Multilabel(labels=('a',))
    """
    by_name = {kind.__name__: kind for kind in TASKS}
    return from_json(by_name[value["task"]], value)
