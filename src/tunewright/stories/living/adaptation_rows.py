"""The rows of an adaptation: those a champion was made from, new ones that can be learned from, both in one table."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tunewright.bundle.predictor import Predictor
from tunewright.data import read, row_keys
from tunewright.errors import DataError, ModelError
from tunewright.living.replay import replayed
from tunewright.plan import Plan
from tunewright.records import Kind, Split, Table
from tunewright.runfolder import RunFolder
from tunewright.splits import SplitOptions, make_split
from tunewright.stories.living.bundle_rows import learned_rows

Array = np.ndarray[Any, np.dtype[Any]]
PART = "_part"
FEWEST = 60  # new rows with a label that the champion has not seen
LEAST_TEST = 30  # of them that are held out
NO_FEATURE = ("ignore", "group", "time", "part")


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The champion and what it was made from."""

    predictor: Predictor
    plan: Plan
    raw: pl.DataFrame
    split: Split


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """New rows.

    Args:
        raw: with a label, not seen by the champion.
        parts: of each: train, validation or test.
        given: how many there were.
    """

    raw: pl.DataFrame
    parts: tuple[str, ...]
    given: int


def known_rows(champion: Path, run: RunFolder, *, old: Any = None) -> Known:
    """A champion with the rows, the plan and the split that it was made from.

    Args:
        champion: its bundle.
        run: its run folder.
        old: its rows, where they are no longer where the plan says.

    Raises:
        ModelError: no bundle, or no run.
        DataError: the rows are others now.
    """
    predictor = Predictor.load(champion)
    if not (run.plan_yaml.is_file() and run.split_json.is_file()):
        raise ModelError(
            f"Adapting needs the plan and the split of the run that made the model. {run.path} holds none. "
            "Give the bundle inside its run folder, or name the run folder with --run."
        )
    try:
        rows = learned_rows(run, predictor.model.preprocessor.table.fingerprint, source=old)
    except DataError as problem:
        raise DataError(
            f"Old rows must be those that the model was trained on; but {problem}. "
            "Give a copy of the file as it was with --old."
        ) from problem
    return Known(predictor=predictor, plan=rows.plan, raw=rows.raw, split=rows.split)


def new_rows(known: Known, new: Any, *, seed: int) -> Batch:
    """Rows with a label that the champion has neither learned from nor been tested on, in parts of their own.

    Raises:
        DataError: they cannot be read, or are too few.
    """
    raw = read(new).frame
    preprocessor = known.predictor.model.preprocessor
    target = preprocessor.table.target
    typed = preprocessor.conform(raw, require_target=True)
    usable = typed[target].is_not_null().to_numpy() & ~known.predictor.has_seen(raw) & ~_tested(known, raw)
    if usable.sum() < FEWEST:
        raise DataError(
            f"Adapting needs at least {FEWEST} new rows with a label. Got {int(usable.sum())} of {raw.height}: others "
            "have no label, or the model has seen them. Wait for more."
        )
    kept = raw.filter(pl.Series(usable))
    share = min(max(0.15, LEAST_TEST / kept.height), 0.4)
    table = replace(preprocessor.table, rows=kept.height)
    split, _, _ = make_split(
        preprocessor.conform(kept, require_target=True),
        table,
        options=SplitOptions(validation=0.15, test=share),
        seed=seed,
    )
    parts = np.full(kept.height, "train", object)
    parts[list(split.validation)] = "validation"
    parts[list(split.test)] = "test"
    return Batch(raw=kept, parts=tuple(parts.tolist()), given=raw.height)


def _tested(known: Known, raw: pl.DataFrame) -> Array:
    """(n,) which new rows are old test rows: by their feature cells, as `seen` tells them."""
    preprocessor = known.predictor.model.preprocessor
    features = [column.name for column in preprocessor.table.columns if column.role == "feature"]
    held_out = row_keys(preprocessor.conform(known.raw[list(known.split.test)]), features)
    mine = row_keys(preprocessor.conform(raw), features)
    there = {key.tobytes() for key in held_out}
    return np.array([key.tobytes() in there for key in mine], bool)


def joined(known: Known, batch: Batch, *, seed: int) -> tuple[pl.DataFrame, int]:
    """Old held-out rows, replayed old train rows and the new rows, each with its part; and how many were replayed."""
    table = known.predictor.model.preprocessor.table
    train = np.array(known.split.train, np.int64)
    strata = known.raw[table.target][train.tolist()].cast(pl.String).fill_null("").to_list()
    if table.task == "regression":
        strata = [""] * len(strata)
    again = train[replayed(strata, new=batch.parts.count("train"), seed=seed)]
    ids = [*again.tolist(), *known.split.validation, *known.split.test]
    parts = ["train"] * len(again) + ["validation"] * len(known.split.validation) + ["test"] * len(known.split.test)
    old = known.raw[ids].with_columns(pl.Series(PART, parts))
    new = batch.raw.select([name for name in known.raw.columns if name in batch.raw.columns])
    new = new.with_columns(pl.Series(PART, batch.parts))
    return pl.concat([as_text(old), as_text(new)], how="diagonal"), len(again)


def column_kinds(table: Table) -> dict[str, Kind]:
    """What a challenger's plan says of each column, by name: features keep their kinds, what was none becomes none.

    Columns that told groups, times or parts split the rows no more: without a word they would be taken for features,
    and a customer's number or the time would be learned by heart.
    """
    held = [column for column in table.columns if not column.derived and column.name != PART]
    columns: dict[str, Kind] = {column.name: column.kind for column in held if column.role == "feature"}
    columns.update({column.name: "ignore" for column in held if column.role in NO_FEATURE})
    return columns


def as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Cells as a file would hold them, so that columns of two files meet; lists stay lists."""
    return frame.with_columns(
        pl.col(name).cast(pl.String) for name, kind in frame.schema.items() if not isinstance(kind, pl.List)
    )
