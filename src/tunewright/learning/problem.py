"""A learning problem: rows of every part as network inputs and targets, nothing fitted on validation or test."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

from tunewright.bundle.preprocessor import Preprocessor
from tunewright.errors import DataError
from tunewright.features.options import PreprocessOptions
from tunewright.models.inputs import Inputs
from tunewright.models.options import ModelOptions
from tunewright.models.tokens import TextTokenizer
from tunewright.records import PARTS, Split, Table, TargetScale
from tunewright.tasks import Classification, Task, make_task

if TYPE_CHECKING:
    from tunewright.models.backbone import Backbone

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What there is to learn.

    Args:
        task: learned from train and validation targets.
        preprocessor: fitted on train rows.
        tokenizer: the backbone's, None without text.
        backbone: located and checked, None without text.
        typed: per part, the typed rows.
        inputs: per part.
        targets: per part, as the task encodes them.
        weights: (n,) importance of the train rows with mean one, or None.
        seed: of everything random.
        precision: of the encoder, as the plan says.
    """

    task: Task
    preprocessor: Preprocessor
    tokenizer: TextTokenizer | None
    backbone: Backbone | None
    typed: Mapping[str, pl.DataFrame]
    inputs: Mapping[str, Inputs]
    targets: Mapping[str, Array]
    weights: Array | None
    seed: int
    precision: Literal["auto", "float32", "bfloat16"] = "auto"


def learn_task(
    typed: pl.DataFrame,
    table: Table,
    split: Split,
    *,
    target_scale: TargetScale,
    positive: str | None = None,
    costs: Mapping[str, float] | None = None,
) -> Task:
    """What is predicted: labels of the train and validation rows, or the scale of the train rows' values.

    Args:
        typed: all rows, cast to the kinds of `table`.
        table: columns, kinds, task.
        split: row ids per part.
        target_scale: of a regression target.
        positive: binary: the positive label.
        costs: of confusions, by "true label -> label said".

    Raises:
        PlanError: `positive` is not a label.
    """
    rows = split.train if table.task == "regression" else (*split.train, *split.validation)
    cells = typed[table.target].gather(list(rows))
    return make_task(table.task, cells, positive=positive, target_scale=target_scale, costs=costs)


def pose_problem(
    typed: pl.DataFrame,
    table: Table,
    split: Split,
    *,
    task: Task,
    preprocess: PreprocessOptions,
    model: ModelOptions,
    seed: int = 0,
) -> Problem:
    """Fit preprocessing on the train rows and turn every part into inputs and targets.

    Args:
        typed: all rows, cast to the kinds of `table`.
        table: columns, kinds, task.
        split: row ids per part.
        task: as `learn_task` learns it.
        preprocess: the plan's block.
        model: backbone and max_length.
        seed: of everything random.

    Raises:
        DataError: the train part holds one label only.
        ModelError: the backbone cannot be used.
    """
    from tunewright.models.backbone import locate

    parts = {part: typed[list(getattr(split, part))] for part in PARTS}
    backbone = locate(model.name) if table.features("text") or table.pair else None
    tokenizer = TextTokenizer(backbone.folder) if backbone else None
    preprocessor = Preprocessor.fit(
        parts["train"],
        table,
        preprocess,
        tokenizer=tokenizer,
        max_length=None if model.max_length == "auto" else int(model.max_length),
        limit=backbone.max_length if backbone else 1,
    )
    targets = {part: task.encode(frame[table.target]) for part, frame in parts.items()}
    _refuse_one_label(task, targets["train"])
    return Problem(
        task=task,
        preprocessor=preprocessor,
        tokenizer=tokenizer,
        backbone=backbone,
        typed=parts,
        inputs={part: preprocessor.inputs(frame, tokenizer) for part, frame in parts.items()},
        targets=targets,
        weights=_weights(parts["train"], table),
        seed=seed,
        precision=model.precision,
    )


def _refuse_one_label(task: Task, targets: Array) -> None:
    """Train rows of one label teach nothing."""
    if isinstance(task, Classification) and len(np.unique(targets)) < 2:
        raise DataError(
            "The train part must hold at least two labels. "
            f"All of its {len(targets)} rows have one. Give it rows of the others, or split anew."
        )


def _weights(train: pl.DataFrame, table: Table) -> Array | None:
    names = [column.name for column in table.columns if column.role == "weight"]
    if not names:
        return None
    values = train[names[0]].cast(pl.Float64).fill_null(1.0).to_numpy().clip(0)
    return np.asarray(values / max(values.mean(), 1e-12), np.float32)
