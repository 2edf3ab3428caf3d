"""Tasks: how a target becomes numbers, what loss trains it, how outputs become predictions.

One file per task; `TASKS` is the table. A task is a frozen dataclass of what was learned from the train target (labels,
or mean and scale) and goes into the bundle as JSON.
"""

from tunewright.tasks.base import Decision, Task, label_sets, make_task, task_from_json, task_to_json
from tunewright.tasks.classification import Classification
from tunewright.tasks.multilabel import Multilabel
from tunewright.tasks.regression import Regression

__all__ = [
    "Classification",
    "Decision",
    "Multilabel",
    "Regression",
    "Task",
    "label_sets",
    "make_task",
    "task_from_json",
    "task_to_json",
]
