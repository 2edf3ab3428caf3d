"""Rows of a log as a model sees them: whole rows, or what a request log keeps where it keeps no texts.

A request log holds, beside the columns that the model reads, `_prediction` and `_confidence` of every row, and for a
text that it must not keep `_characters.NAME`, how long it was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tunewright.bundle.model import FittedModel
from tunewright.bundle.reference import Reference, describe_rows
from tunewright.errors import DataError
from tunewright.tasks import Classification, Multilabel, Regression

Array = np.ndarray[Any, np.dtype[Any]]
PREDICTION, CONFIDENCE, LENGTH = "_prediction", "_confidence", "_characters."
OWN = "_"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Logged:
    """Rows of a log.

    Args:
        rows: as numbers; `targets` is set where the log has a target column.
        labelled: (n,) which rows have a label.
        absent: columns that the log does not hold and that are not compared.
        notes: what the log lacks, in words.
    """

    rows: Reference
    labelled: Array
    absent: frozenset[str] = frozenset()
    notes: tuple[str, ...] = ()


def read_log(model: FittedModel, raw: pl.DataFrame) -> Logged:
    """Describe the rows of a log by the model that they were, or would be, put to.

    Args:
        model: of a bundle.
        raw: rows as they were read, in the order they came.

    Raises:
        DataError: no rows, or feature columns are missing and the log does not say what was answered.
    """
    if raw.is_empty():
        raise DataError("Watching needs rows. The log holds none. Wait for some, or give another file.")
    needed = [c.name for c in model.preprocessor.table.columns if c.role == "feature" and not c.derived]
    absent = [name for name in needed if name not in raw.columns]
    notes = _extra(model, raw)
    if absent and PREDICTION in raw.columns and not isinstance(model.task, Multilabel):
        return _thin(model, raw, absent, notes)
    typed = model.preprocessor.conform(raw)  # says what is missing, if anything is
    target = model.preprocessor.table.target
    rows = describe_rows(model, typed.drop(target, strict=False))
    return _with_labels(model, rows, typed, notes=notes)


def _with_labels(
    model: FittedModel, rows: Reference, typed: pl.DataFrame, *, notes: tuple[str, ...], absent: tuple[str, ...] = ()
) -> Logged:
    target = model.preprocessor.table.target
    labelled = np.zeros(rows.rows, bool)
    if target in typed.columns:
        labelled = typed[target].is_not_null().to_numpy()
    if labelled.any():
        known = np.asarray(model.task.encode(typed.filter(pl.Series(labelled))[target]))
        targets = np.zeros((rows.rows, *known.shape[1:]), known.dtype)
        targets[labelled] = known
        rows = Reference(**rows.arrays(), targets=targets)
    return Logged(rows=rows, labelled=labelled, absent=frozenset(absent), notes=notes)


def _thin(model: FittedModel, raw: pl.DataFrame, absent: list[str], notes: tuple[str, ...]) -> Logged:
    """A log without some of the columns: what it holds of the others, lengths of texts, and what was answered."""
    filled = raw.with_columns(pl.lit(None, pl.String).alias(name) for name in absent)
    typed = model.preprocessor.conform(filled)
    lengths = [_lengths(raw, columns) for columns in model.preprocessor.texts]
    rows = Reference(
        plain=np.asarray(model.preprocessor.featurizer.plain(typed), np.float64),
        lengths=np.stack(lengths, 1) if lengths else np.zeros((raw.height, 0), np.int64),
        vectors=np.zeros((raw.height, 0), np.float16),
        outputs=_outputs(model, raw),
    )
    said = (
        f"The log holds no {', '.join(repr(name) for name in absent)}: only lengths of texts and answers are compared."
    )
    return _with_labels(model, rows, typed, notes=(*notes, said), absent=tuple(absent))


def _lengths(raw: pl.DataFrame, columns: tuple[str, ...]) -> Array:
    """(n,) characters of a text made of several columns; -1 where the log does not say."""
    total = np.zeros(raw.height, np.int64)
    for name in columns:
        if name in raw.columns:
            part = raw[name].cast(pl.String).str.len_chars()
        elif LENGTH + name in raw.columns:
            part = raw[LENGTH + name].cast(pl.Float64, strict=False)
        else:
            return np.full(raw.height, -1)
        total = total + part.fill_null(0).cast(pl.Int64).to_numpy()
    return np.asarray(total + max(len(columns) - 1, 0))


def _outputs(model: FittedModel, raw: pl.DataFrame) -> Array:
    """(n, K) outputs that give the logged answers with the logged confidence; the rest of it is shared evenly.

    Raises:
        DataError: an answer that the model cannot give.
    """
    task = model.task
    if isinstance(task, Regression):
        return np.asarray(task.encode(raw[PREDICTION]), np.float32)[:, None]
    assert isinstance(task, Classification)
    said = task.encode(raw[PREDICTION])
    if (said < 0).any():
        first = int(np.flatnonzero(said < 0)[0])
        raise DataError(
            f"A log's answers must be labels of the model. Row {first} says {str(raw[PREDICTION][first])[:40]!r}. "
            "Give the log of this model, or of a version with the same labels."
        )
    sure = np.full(raw.height, np.nan)
    if CONFIDENCE in raw.columns:
        sure = raw[CONFIDENCE].cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
    sure = np.clip(np.nan_to_num(sure, nan=0.5), 1e-6, 1 - 1e-6)
    others = np.log((1 - sure) / max(task.outputs - 1, 1))
    outputs = np.repeat(others[:, None], task.outputs, axis=1)
    outputs[np.arange(raw.height), said] = np.log(sure)
    return np.asarray(outputs * model.decision.temperature, np.float32)


def _extra(model: FittedModel, raw: pl.DataFrame) -> tuple[str, ...]:
    """Columns that nobody knows are not compared; it is said which."""
    known = {column.name for column in model.preprocessor.table.columns}
    extra = [name for name in raw.columns if name not in known and not name.startswith(OWN)]
    if not extra:
        return ()
    listed = ", ".join(repr(name) for name in extra[:5])
    return (f"Not compared, since the model does not know them: {listed}{', and others' if len(extra) > 5 else ''}.",)
