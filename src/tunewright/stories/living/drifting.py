"""`watch`: rows that came after training beside those that the model was judged on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from tunewright.bundle.predictor import Predictor
from tunewright.bundle.reading import read_reference_of
from tunewright.data import read
from tunewright.errors import DataError, ModelError
from tunewright.living.logs import read_log
from tunewright.living.watching import WatchOptions, watch
from tunewright.records import DriftReport


def watch_story(
    bundle: Path, log: Any, options: WatchOptions, *, labels: Any = None, by: str | None = None
) -> DriftReport:
    """Look at a log.

    Args:
        bundle: folder of the model's bundle.
        log: rows in the order they came, a path or anything that `read` takes.
        options: how to look.
        labels: rows with the target that arrived later, joined to the log by the column `by`.
        by: that column, in both.

    Raises:
        ModelError: not a bundle, or an earlier release wrote it without the rows it was judged on.
        DataError: the log cannot be read, or lacks columns.
    """
    predictor = Predictor.load(bundle)
    old = read_reference_of(bundle)
    if old is None:
        raise ModelError(
            f"Watching compares with the rows a model was judged on. {bundle} holds none: an earlier release wrote it. "
            "Run again with this release."
        )
    raw, notes = _labelled(read(log).frame, predictor, labels, by)
    logged = read_log(predictor.model, raw)
    found = watch(predictor.model, old, logged.rows, options, labelled=logged.labelled, absent=logged.absent)
    seen = () if logged.absent else _seen(predictor, raw)
    return replace(found, notes=(*notes, *seen, *logged.notes, *found.notes))


def _seen(predictor: Predictor, raw: pl.DataFrame) -> tuple[str, ...]:
    """A model is surer of rows that it learned from: that alone can look like drift."""
    known = int(predictor.has_seen(raw).sum())
    if not known:
        return ()
    return (f"The model learned from {known:,} of the {raw.height:,} rows, and is surer of those than of any others.",)


def _labelled(
    raw: pl.DataFrame, predictor: Predictor, labels: Any, by: str | None
) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The log with the labels that are known by now; of several labels for one row the last counts."""
    if labels is None:
        return raw, ()
    target = predictor.model.preprocessor.table.target
    if by is None:
        raise DataError("Labels are joined to the log by a column of both. Got none. Name it, as in --id _id.")
    late = read(labels).frame
    for frame, what in ((raw, "the log"), (late, "the labels")):
        if by not in frame.columns:
            raise DataError(
                f"The column {by!r} must be in the log and in the labels. It is not in {what}. Name another."
            )
    if target not in late.columns:
        raise DataError(f"Labels must have the target {target!r}. They have {', '.join(late.columns[:10])}. Rename it.")
    key = pl.col(by).cast(pl.String)
    last = late.select(key, target).drop_nulls().unique(subset=by, keep="last", maintain_order=True)
    joined = raw.drop(target, strict=False).with_columns(key).join(last, on=by, how="left", maintain_order="left")
    unknown = last.height - last[by].is_in(raw[by].cast(pl.String).implode()).sum()
    return joined, (f"{unknown:,} labels are for rows that are not in this log.",) if unknown else ()
