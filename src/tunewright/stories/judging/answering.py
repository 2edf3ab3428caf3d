"""A model's answers for its test rows in the run folder, and a bundle's answers for the rows of a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tunewright.data import row_keys
from tunewright.errors import RunError
from tunewright.evaluation.answers import Answers, from_arrays, slice_masks, to_arrays
from tunewright.evaluation.protected import read_slices
from tunewright.runfolder import write_arrays, write_folder

if TYPE_CHECKING:
    from tunewright.bundle.predictor import Predictor
    from tunewright.learning.fit import Fitted
    from tunewright.stories.prepare import Prepared
    from tunewright.stories.training.station import Trained

FILE = "test.safetensors"


def answers_of_run(prepared: Prepared, trained: Trained, raw: pl.DataFrame, protect: Sequence[str]) -> Answers:
    """What the fitted model answered for the test rows.

    Args:
        prepared: the rows as trained on.
        trained: the fitted model with its outputs.
        raw: all rows as they were read, by whose digests another run tells them again.
        protect: conditions of slices that must not get worse.
    """
    fitted: Fitted = trained.fitted
    problem, typed = trained.rows.problem, trained.rows.problem.typed["test"]
    return Answers(
        outcome=problem.task.outcome(problem.targets["test"], fitted.outputs["test"], fitted.model.decision),
        names=problem.task.labels,
        keys=row_keys(raw[list(prepared.split.test)], raw.columns),
        slices=slice_masks(typed, prepared.table, read_slices(protect, typed.schema)),
        protected=tuple(protect),
    )


def answers_of_bundle(predictor: Predictor, raw: pl.DataFrame) -> Answers:
    """What a bundle answers for labelled rows of a file; rows without a target are left out.

    Raises:
        DataError: no target column, no labelled row, or a feature column is missing.
    """
    preprocessor, model = predictor.model.preprocessor, predictor.model
    typed = preprocessor.conform(raw, require_target=True)
    labelled = typed[preprocessor.table.target].is_not_null()
    outcome = predictor.outcome_of(typed)
    typed, raw = typed.filter(labelled), raw.filter(labelled)
    return Answers(
        outcome=outcome,
        names=model.task.labels,
        keys=row_keys(raw, raw.columns),
        slices=slice_masks(typed, preprocessor.table),
    )


def keep_answers(folder: Path, answers: Answers) -> None:
    """Write them to a folder of the run, atomically."""
    arrays, header = to_arrays(answers)
    with write_folder(folder) as temporary:
        write_arrays(temporary / FILE, arrays, metadata=header)


def kept_answers(folder: Path) -> Answers:
    """Read what `keep_answers` wrote.

    Raises:
        RunError: it is not there or damaged.
    """
    from safetensors import SafetensorError, safe_open

    path = folder / FILE
    if not path.is_file():
        raise RunError(
            f"Runs are compared by their answers for the test rows. {folder.parent} holds none: it is not finished or "
            "an earlier release made it. Give a file of labelled rows as well: compare A B DATA."
        )
    try:
        with safe_open(path, framework="numpy") as file:
            arrays: dict[str, Any] = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return from_arrays(arrays, file.metadata() or {})
    except (SafetensorError, OSError, KeyError, ValueError, TypeError) as problem:
        raise RunError(f"{path} must be what a run wrote. Got: {problem}. Run again with --fresh.") from problem
