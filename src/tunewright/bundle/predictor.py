"""`Predictor`: what `tw.load(bundle)` returns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tunewright.bundle.fetching import local_bundle
from tunewright.bundle.model import FittedModel
from tunewright.bundle.reading import read_behaviours_of, read_bundle, read_seen_of
from tunewright.bundle.seen import SeenRows
from tunewright.data import read
from tunewright.data.batches import tables
from tunewright.data.blocks import USUAL
from tunewright.errors import DataError, ModelError
from tunewright.metrics import Outcome, scores
from tunewright.records import Score
from tunewright.tasks import Multilabel, Regression, label_sets

Array = np.ndarray[Any, np.dtype[Any]]


class Predictor:
    """Answers from a bundle.

    Args:
        model: the fitted model.
        behaviours: what is asked of it whenever it is evaluated, as its bundle holds it; None: nothing.
        seen: the rows it learned from, where its bundle says so.
    """

    def __init__(self, model: FittedModel, behaviours: Any = None, seen: SeenRows | None = None) -> None:
        self.model = model
        self.behaviours = behaviours
        self.seen = seen
        # Explaining and exporting stand above this layer: `tw.load` hands them in.
        self.explainer: Callable[..., Any] | None = None
        self.exporter: Callable[..., Any] | None = None

    @classmethod
    def load(cls, folder: str | Path) -> Predictor:
        """Read a bundle from a folder or a URL; see `local_bundle` and `read_bundle` for what is refused."""
        here = local_bundle(folder)
        return cls(read_bundle(here), read_behaviours_of(here), read_seen_of(here))

    def predict(self, data: Any) -> pl.DataFrame:
        """Predict for a file, a frame that speaks Arrow, or a list of dicts.

        Returns:
            One row per input row, in order: `prediction`, `confidence` (probability of the predicted label; null for a
            regression, which has `low` and `high`, its 90 % prediction interval, instead), and for classifiers
            `probabilities`, a struct with one field per label, and `set`, the labels one of which is the true one in
            90 % of the rows (not where a row has several labels).

        Raises:
            DataError: the data cannot be read or lacks a feature column.
        """
        typed = self.model.preprocessor.conform(read(data).frame)
        return self.predict_typed(typed)

    def predict_batches(self, batches: Any, *, rows: int = USUAL.rows) -> Iterator[pl.DataFrame]:
        """Predict for tables that come one after another; no more than one of them is held.

        Args:
            batches: a path or a URL; a polars LazyFrame; a dataset with `iter(batch_size=…)`; a table that speaks
                Arrow (polars, pandas, pyarrow, a RecordBatchReader); or an iterable of such tables, of lists of dicts,
                or of dicts of columns. Each is read on its own, as `predict` reads it.
            rows: of a batch, where the source leaves that to us.

        Yields:
            What `predict` returns, once per batch, in order; without rows for a batch without rows.

        Raises:
            DataError: a batch cannot be read or lacks a feature column; says which.
        """
        for number, batch in enumerate(tables(batches, rows=rows)):
            if hasattr(batch, "__len__") and len(batch) == 0:
                yield self._no_answers()
                continue
            try:
                answers = self.predict(batch)
            except DataError as problem:
                raise DataError(f"Batch {number} (counted from 0): {problem}") from problem
            yield answers

    def predict_typed(self, typed: pl.DataFrame) -> pl.DataFrame:
        """`predict` for rows that were already cast."""
        outputs = self.model.outputs(typed)
        outcome = self.outcome(outputs, None)
        task = self.model.task
        if isinstance(task, Regression):
            width = self.model.decision.half_width
            values = pl.Series("prediction", outcome.labels)
            nothing = pl.Series([None] * len(values), dtype=pl.Float64)
            return pl.DataFrame(
                {
                    "prediction": values,
                    "confidence": nothing,
                    "low": values - width if width is not None else nothing,
                    "high": values + width if width is not None else nothing,
                }
            )
        assert outcome.probabilities is not None
        probabilities = pl.DataFrame(outcome.probabilities, schema=list(task.labels), orient="row")
        answers = pl.DataFrame(
            {
                "prediction": task.names(outcome),
                "confidence": self._confidence(outcome),
                "probabilities": probabilities.to_struct(),
            }
        )
        threshold = self.model.decision.set_threshold
        if isinstance(task, Multilabel) or threshold is None:
            return answers
        inside = label_sets(outcome.probabilities, outcome.labels, threshold)
        names = [[label for label, held in zip(task.labels, row, strict=True) if held] for row in inside.tolist()]
        return answers.with_columns(pl.Series("set", names, dtype=pl.List(pl.String)))

    def explain(self, what: Any, **options: Any) -> Any:
        """Say why it answers as it does: which words and columns pushed, and which training rows are like it.

        Args:
            what: a text (str), or a row as a dict (one explanation comes back); or a `Path`, a frame that speaks Arrow,
                a list of dicts (a list of them comes back).
            **options: `data` (rows to look for neighbours in), `label` (to explain in place of the one said), `method`
                (in place of the best that passed its checks), `most` (rows that are explained).

        Raises:
            DataError: the rows lack a column, or a label or method that does not exist.
        """
        if self.explainer is None:
            raise ModelError("Explaining needs a loaded bundle. Got a model in memory. Use tw.load(bundle).")
        return self.explainer(what, **options)

    def export(self, to: str = "auto", out: str | Path | None = None, **options: Any) -> Any:
        """Write the bundle for another engine, held to the trained model on held-out and difficult rows.

        Args:
            to: onnx, onnx-int8, openvino-int8, torch-bf16, safetensors-merged; auto: the best of them, measured; or
                small: half of the layers, distilled.
            out: the new folder; default: beside the bundle.
            **options: `data` (rows to hold it to, in place of the run's), `unlabelled` (more rows to calibrate or
                distil on), `budget` (how much the metric may fall), `purpose` (throughput or latency, for auto),
                `observe`.

        Returns:
            The `Exported` record: path, format, parity report.

        Raises:
            ExportError: it would answer otherwise; nothing was written.
        """
        if self.exporter is None:
            raise ModelError("Exporting needs a loaded bundle. Got a model in memory. Use tw.load(bundle).")
        return self.exporter(to, out, **options)

    def evaluate(self, data: Any, *, seed: int = 0) -> dict[str, Score]:
        """Score the bundle on labelled rows: every metric of the task, with intervals.

        Raises:
            DataError: no target column, or no labelled row.
        """
        typed = self.model.preprocessor.conform(read(data).frame, require_target=True)
        return scores(self.outcome_of(typed), seed=seed)

    def has_seen(self, raw: pl.DataFrame) -> Array:
        """(n,) which rows, as they were read, the model learned from or was chosen on; none where nobody knows."""
        if self.seen is None:
            return np.zeros(raw.height, bool)
        return self.seen.among(raw, self.model.preprocessor)

    def outcome_of(self, typed: pl.DataFrame) -> Outcome:
        """Predictions beside the truth for typed rows; rows without a target are left out."""
        target = self.model.preprocessor.table.target
        labelled = typed.filter(pl.col(target).is_not_null())
        if labelled.is_empty():
            raise DataError(
                f"Scoring needs rows with a target. Column {target!r} has no usable value in {typed.height} rows. "
                "Give labelled rows, or use predict."
            )
        outputs = self.model.outputs(labelled)
        return self.outcome(outputs, self.model.task.encode(labelled[target]))

    def outcome(self, outputs: Array, targets: Array | None) -> Outcome:
        """Decide on outputs; without targets the truth is a placeholder."""
        task = self.model.task
        if targets is None:
            shape = (len(outputs), task.outputs) if isinstance(task, Multilabel) else (len(outputs),)
            targets = np.zeros(shape, np.int64)
        return task.outcome(targets, outputs, self.model.decision)

    def _no_answers(self) -> pl.DataFrame:
        """Answers for no row: the columns and their types are those of the answers for an empty one."""
        empty = {column.name: None for column in self.model.preprocessor.table.columns if not column.derived}
        return self.predict([empty]).clear()

    def _confidence(self, outcome: Outcome) -> Array:
        """The predicted label's probability; multilabel: that of its least certain decision."""
        assert outcome.probabilities is not None
        if isinstance(self.model.task, Multilabel):
            said = np.where(outcome.labels == 1, outcome.probabilities, 1 - outcome.probabilities)
            return np.asarray(said.min(1))
        return np.asarray(outcome.probabilities[np.arange(outcome.rows), outcome.labels])
