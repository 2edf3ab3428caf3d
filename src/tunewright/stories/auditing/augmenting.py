"""Augmentation among the remedies: where it may be tried, and on what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tunewright.learning.probe_trial import MOST_WORK
from tunewright.plan import Plan
from tunewright.records import Table
from tunewright.remedies import Material
from tunewright.runfolder.context import RunContext
from tunewright.search.naming import read_space
from tunewright.stories.prepare import Prepared, pose, what_trains
from tunewright.training.augment import AUGMENTATIONS, Augmentation, why_idle

if TYPE_CHECKING:
    from tunewright.learning.crossfit import Learned

Array = np.ndarray[Any, np.dtype[Any]]
# Rows. A trial's interval shrinks with their root: of 780 it reached 2.4 points either way, of 200 it would 4.8, and
# more once adjusted for all that is tried: only greater gains could be shown.
FEWEST = 200
# Of the rows' texts. A copy of all of them is encoded per kind that changes texts: a few seconds at most.
MOST_TOKENS = 1 << 16
SEARCHED = ("model.train", "model.head", "augment.kind", "augment.strength")


def open_augmentations(table: Table, learned: Learned, plan: Plan, rows: Array) -> tuple[str, ...]:
    """Kinds of augmentation that are worth a trial.

    The plan leaves it open (`augment: auto`); what trains would feel it, and no search is to say what trains; there are
    enough rows for a trial to show anything; and few enough: where there are many, a changed copy of each has little to
    add, and its trial costs most. Under a squared loss mixing rows is a penalty, which the probe chooses anyway.

    Args:
        table: columns and task.
        learned: of all rows, for their number and their tokens.
        plan: what trains, and what is searched.
        rows: (m,) ids of the rows that are not test rows.
    """
    if plan.augment.kind != "auto" or _searched(plan):
        return ()
    seen = learned.among(rows)
    work = len(seen.rows) * seen.features.shape[1] * max(len(seen.labels), 1)
    if len(seen.rows) < FEWEST or work > MOST_WORK:
        return ()
    method, head, text = what_trains(table, plan)
    tokens = 0 if seen.cut is None else int(seen.cut.read.sum())
    felt = [one for one in AUGMENTATIONS if why_idle(one, method=method, head=head, text=text) is None]
    return tuple(one.kind for one in felt if (tokens <= MOST_TOKENS if one.of_texts else table.task != "regression"))


def copies_of(
    prepared: Prepared, plan: Plan, rows: Array, run: RunContext
) -> Callable[[Material, Augmentation], Array]:
    """What encodes one changed copy of each row, given by its id, as a material has the rows."""
    from tunewright.learning.augmented import changed_copies
    from tunewright.learning.frozen import decide_precision
    from tunewright.learning.recipes import choose

    def copy(material: Material, augmentation: Augmentation) -> Array:
        posed = replace(prepared, typed=material.typed, table=material.table)
        problem = pose(posed, replace(plan, preprocess=material.preprocess))
        return changed_copies(
            problem,
            material.typed[rows.tolist()],
            augmentation,
            pooling=choose(problem, plan.model, plan.training).pooling,
            precision=decide_precision(problem, run),
            run=run,
        )

    return copy


def _searched(plan: Plan) -> bool:
    """Whether a search varies what trains or what is augmented; its own space does, where none is given."""
    if plan.search.strategy == "none":
        return False
    dimensions = read_space(plan.search.space, Plan)[0]
    return not dimensions or any(one.name in SEARCHED for one in dimensions)
