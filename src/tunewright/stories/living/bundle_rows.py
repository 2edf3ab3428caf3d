"""Rows for a bundle that holds none: those of the run it lies in, or those of a file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tunewright.data import fingerprint, read
from tunewright.errors import DataError, TunewrightError
from tunewright.plan import Plan, read_plan
from tunewright.records import Split, from_json
from tunewright.runfolder import RunFolder, read_json

if TYPE_CHECKING:
    from tunewright.bundle.predictor import Predictor


@dataclass(frozen=True, slots=True, kw_only=True)
class BundleRows:
    """Typed rows around a bundle; never the test rows of its run.

    Args:
        train: that it learned from; no rows where they cannot be had.
        held_out: others, as far as can be; no rows where they cannot be had.
        why: what is missing, in words; empty where nothing is.
    """

    train: pl.DataFrame
    held_out: pl.DataFrame
    why: str = ""


def run_of(folder: Path) -> RunFolder | None:
    """The run folder that is meant: the folder itself, or the one its bundle lies in."""
    for path in (folder, folder.resolve().parent):
        if RunFolder(path).journal.is_file() and RunFolder(path).bundle.is_dir():
            return RunFolder(path)
    return None


def rows_around(predictor: Predictor, folder: Path, data: Any = None) -> BundleRows:
    """Train and held-out rows for a bundle.

    Args:
        predictor: of the bundle.
        folder: where it lies; in a run folder the run's train and validation rows are found, its test rows are not
            looked at.
        data: rows in place of those, a path or a table that `read` takes. Where the bundle has learned from some of
            them, the others may be its test rows and are left alone. Without train rows of a run, every other row
            serves as one.

    Raises:
        DataError: `data` cannot be read or lacks a column.
    """
    around = _of_run(predictor, folder)
    if data is None:
        return around
    preprocessor = predictor.model.preprocessor
    raw = read(data).frame
    typed = preprocessor.conform(raw, require_target=preprocessor.table.target in raw.columns)
    seen = predictor.has_seen(raw)
    usable = typed.filter(seen) if seen.any() else typed
    if around.train.height:
        return BundleRows(train=around.train, held_out=usable)
    return BundleRows(train=usable.gather_every(2, 1), held_out=usable.gather_every(2))


def _of_run(predictor: Predictor, folder: Path) -> BundleRows:
    empty = pl.DataFrame()
    run = run_of(folder)
    if run is None:
        return BundleRows(train=empty, held_out=empty, why=f"{folder} lies in no run folder")
    try:
        return _read_run(predictor, run)
    except TunewrightError as problem:
        return BundleRows(train=empty, held_out=empty, why=f"the run's rows cannot be read again: {problem}")


def _read_run(predictor: Predictor, run: RunFolder) -> BundleRows:
    preprocessor = predictor.model.preprocessor
    found = learned_rows(run, preprocessor.table.fingerprint)
    train, validation = (
        preprocessor.conform(found.raw[list(rows)], require_target=True)
        for rows in (found.split.train, found.split.validation)
    )
    return BundleRows(train=train, held_out=validation if validation.height else train)


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedRows:
    """All rows of a run as they were read, with its plan and its split."""

    plan: Plan
    raw: pl.DataFrame
    split: Split


def learned_rows(run: RunFolder, wanted: str, *, source: Any = None) -> LearnedRows:
    """Read a run's rows again, and make sure that they are what its model learned from.

    Args:
        run: its folder.
        wanted: fingerprint of the model's table: of the train and validation rows, since test rows decide nothing.
        source: where the rows are now; None: where the plan says.

    Raises:
        DataError: they were in memory, or are others now.
    """
    from tunewright.stories.prepare import load_rows

    plan = read_plan(run.plan_yaml)
    if plan.data.train is None and source is None:
        raise DataError("the run's data were in memory")
    frame = load_rows(plan, source).frame
    split = from_json(Split, read_json(run.split_json))
    seen = sorted((*split.train, *split.validation))
    if max(seen, default=0) >= frame.height or fingerprint(frame[seen]) != wanted:
        where = plan.data.train if source is None else "what was given"
        raise DataError(f"{where} is no longer what the run learned from")
    return LearnedRows(plan=plan, raw=frame, split=split)
