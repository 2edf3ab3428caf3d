"""How a finished model fares on damaged rows: in a run on its test rows, in `evaluate` on the rows of a file.

Everything is chosen by then, and nothing follows from what comes out: it is part of the one look that is counted.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tunewright.evaluation.robustness import Measured, Tried, measure_robustness
from tunewright.records import DamagedText, Evaluation
from tunewright.runfolder.context import RunContext

if TYPE_CHECKING:
    from tunewright.bundle.model import FittedModel
    from tunewright.stories.prepare import Prepared
    from tunewright.stories.training.station import Trained

Array = np.ndarray[Any, np.dtype[Any]]


def with_robustness(
    evaluation: Evaluation, prepared: Prepared, trained: Trained, run: RunContext
) -> tuple[Evaluation, tuple[DamagedText, ...]]:
    """The evaluation with what damage does to the test rows, and some damaged texts, which are raw text of the data."""
    found = damage_run(prepared, trained)
    if found is None:
        return evaluation, ()
    run.tell("evaluate", found.robustness.text)
    return replace(evaluation, robustness=found.robustness), found.texts


def damage_run(prepared: Prepared, trained: Trained) -> Measured | None:
    """Damage test rows of a run; None where there are too few."""
    problem = trained.rows.problem
    return _measured(
        trained.fitted.model,
        problem.typed["test"],
        np.array(prepared.split.test, np.int64),
        problem.targets["test"],
        metric=prepared.objective.metric,
        part="test",
        seed=prepared.seed,
    )


def damage_given(
    model: FittedModel, typed: pl.DataFrame, rows: Array, *, metric: str | None = None, seed: int = 0
) -> Measured | None:
    """Damage labelled rows of a file.

    Args:
        model: of the bundle.
        typed: the rows, cast.
        rows: their numbers in the file.
        metric: that falls or does not; default: that of the run.
        seed: of what is drawn.
    """
    targets = model.task.encode(typed[model.preprocessor.table.target])
    return _measured(model, typed, rows, targets, metric=metric or model.metric, part="given", seed=seed)


def _measured(
    model: FittedModel, typed: pl.DataFrame, rows: Array, targets: Array, *, metric: str, part: str, seed: int
) -> Measured | None:
    from tunewright.explain.asking import Asker

    # Encodes each distinct text once: rows that differ in a table cell only cost next to nothing.
    asker = Asker(model, seed=seed)

    def outputs(some: pl.DataFrame) -> Array:
        return asker.outputs(model.preprocessor.compose(some), some)

    tried = Tried(
        typed=typed,
        rows=rows,
        targets=targets,
        table=model.preprocessor.table,
        task=model.task,
        decision=model.decision,
        outputs=outputs,
    )
    return measure_robustness(tried, metric=metric, part=part, seed=seed)
