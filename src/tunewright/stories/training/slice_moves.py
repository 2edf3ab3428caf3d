"""A move of the improvement loop: let the train rows of the worst slice of the validation rows count twice as much."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tunewright.analysis import discover
from tunewright.analysis.facts import facts_of
from tunewright.analysis.mistakes import errors_of
from tunewright.analysis.telling import Part, told
from tunewright.records import Slice
from tunewright.stories.auditing.examine import clusters_seen
from tunewright.stories.training.moves import Move
from tunewright.tasks import Decision

if TYPE_CHECKING:
    from tunewright.learning.fit import Fitted
    from tunewright.metrics import Outcome
    from tunewright.stories.prepare import Prepared

KIND = "reweight the worst slice"
ADVICE = "reweight_slice"  # given where the slice's own facts name this action
FEWEST = 10  # train rows of a slice that are worth weighing


def slice_moves(
    prepared: Prepared, fitted: Fitted, outcome: Outcome, *, doubtful: Sequence[int], cells: bool
) -> tuple[tuple[Move, ...], tuple[str, ...]]:
    """The move, if there is a slice that the plan can name, and advice for it, if its facts ask for it.

    Only train and validation rows are looked at.

    Args:
        prepared: the rows.
        fitted: the model as it stands, trained without test rows.
        outcome: its answers for the validation rows.
        doubtful: ids of rows whose label the audit doubts.
        cells: whether the condition may repeat words and values of the data; it is told in plan and report.
    """
    found = _slices(prepared, fitted, outcome, doubtful)
    worst = next((one for one in found if _usable(one) and (cells or not one.quotes)), None)
    if worst is None or worst.condition is None:
        return (), ()
    condition = worst.condition
    move = Move(
        kind=KIND,
        answers=(ADVICE,),
        gain=0.4,
        cost=1.0,
        change=lambda plan, choices: None if plan.knowledge.emphasise else {"knowledge.emphasise": condition},
    )
    return (move,), (ADVICE,) if worst.action == "reweight" else ()


def _usable(one: Slice) -> bool:
    return one.condition is not None and one.train_rows >= FEWEST and one.action != "inspect labels"


def _slices(prepared: Prepared, fitted: Fitted, outcome: Outcome, doubtful: Sequence[int]) -> tuple[Slice, ...]:
    table, split, task = prepared.table, prepared.split, fitted.model.task
    ids, train = np.array(split.validation, np.int64), np.array(split.train, np.int64)
    typed = prepared.typed[ids.tolist()]
    probe = task.outcome(task.encode(typed[table.target]), fitted.probe_outputs["validation"], Decision())
    part = Part(facts=facts_of(typed, table), ids=ids, errors=errors_of(outcome), rival=errors_of(probe))
    units = clusters_seen(prepared).labels[ids]
    found = told(
        discover(part.facts, part.errors, units=units, seed=prepared.seed),
        part,
        name="validation",
        task=table.task,
        train=facts_of(prepared.typed[train.tolist()], table),
        train_ids=train,
        suspects=set(doubtful),
    )
    return found.found
