"""`export`: a bundle for another engine, held to the trained model; `auto` tries every format and keeps the best."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import polars as pl

from tunewright.data import read
from tunewright.errors import ExportError, MissingExtra, PlanError
from tunewright.events import Event, Observer, silent
from tunewright.objective import Limits
from tunewright.records import Exported, Parity, Tried, from_json
from tunewright.runfolder import read_json, write_folder
from tunewright.stories.living.bundle_rows import BundleRows, rows_around

if TYPE_CHECKING:
    from tunewright.bundle.predictor import Predictor
    from tunewright.export.base import Budget, Format, Source
    from tunewright.export.choosing import Purpose

LARGEST_BUDGET = 0.3


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """How a bundle shall be exported.

    Args:
        to: the name of a format, or auto.
        out: the folder; None: beside the bundle, with the format behind its name.
        data: rows in place of the run's, a path or a table that `read` takes.
        unlabelled: more rows to calibrate or distil on, without a target.
        budget: how much the metric may fall where a format gives something up; the share of answers that may differ
            grows with it. None: the format's own.
        purpose: what `auto` looks at: throughput, latency, or None: latency where the plan limits it.
        observe: hears of what takes long.
    """

    to: str = "auto"
    out: Path | None = None
    data: Any = None
    unlabelled: Any = None
    budget: float | None = None
    purpose: str | None = None
    observe: Observer = silent


def export_story(predictor: Predictor, folder: Path, wish: Wish) -> Exported:
    """Export the bundle in that folder.

    Args:
        predictor: of the bundle.
        folder: where the bundle lies, on this machine.
        wish: what is asked for.

    Raises:
        PlanError: no such format or purpose, or a budget that is none.
        ExportError: it answers otherwise than the trained model, cannot be written so, or no rows can be had to hold it
            to; nothing stands under the final name.
        MissingExtra: a library that the format needs is not installed.
    """
    from tunewright.export.formats import AUTO, format_of
    from tunewright.export.onnx_graph import forget_graphs

    form = None if wish.to == AUTO else format_of(wish.to)
    _check(wish)
    if not predictor.model.has_network:
        raise ExportError(
            f"What is exported is a trained network. {folder} was exported to {predictor.model.engine.kind} already. "
            "Export the bundle that it came from."
        )
    source, held_out = _source(predictor, folder, wish)
    try:
        if form is None:
            return _export_best(source, held_out, wish)
        return _export_one(form, source, held_out, wish)
    finally:
        forget_graphs()


def exporter_of(predictor: Predictor, folder: Path) -> Callable[..., Exported]:
    """`Predictor.export` for the bundle in that folder."""

    def export(to: str = "auto", out: str | Path | None = None, **options: Any) -> Exported:
        return export_story(predictor, folder, Wish(to=to, out=None if out is None else Path(out), **options))

    return export


def _check(wish: Wish) -> None:
    from tunewright.export.choosing import PURPOSES

    if wish.purpose is not None and wish.purpose not in PURPOSES:
        raise PlanError(
            f"--for must be {' or '.join(PURPOSES)}. Got {wish.purpose!r}. Leave it out to let it be chosen."
        )
    if wish.budget is not None and not 0 <= wish.budget <= LARGEST_BUDGET:
        raise PlanError(
            f"--budget must be from 0 to {LARGEST_BUDGET}: how much the metric may fall. Got {wish.budget:g}. "
            "0.01 allows one point."
        )


def _source(predictor: Predictor, folder: Path, wish: Wish) -> tuple[Source, pl.DataFrame]:
    """What formats are handed, and the held-out rows of the gate.

    Raises:
        ExportError: there are no such rows.
    """
    from tunewright.export.base import Source

    rows: BundleRows = rows_around(predictor, folder, wish.data)
    if rows.held_out.is_empty():
        raise ExportError(
            f"An export must be held to the trained model on rows. There are none: {rows.why or 'the data have none'}. "
            "Name a file of rows like those it was trained on as --data; labels are welcome and not needed."
        )
    source = Source(
        folder=folder,
        model=predictor.model,
        train=_with_more(predictor, rows.train, wish.unlabelled),
        validation=rows.held_out,
        observe=wish.observe,
    )
    return source, rows.held_out


def _with_more(predictor: Predictor, train: pl.DataFrame, unlabelled: Any) -> pl.DataFrame:
    """Train rows and, behind them, rows whose target nobody knows; the target is no part of either then."""
    if unlabelled is None:
        return train
    preprocessor = predictor.model.preprocessor
    features = [column.name for column in preprocessor.table.columns if column.role == "feature"]
    more = preprocessor.conform(read(unlabelled).frame).select(features)
    return pl.concat([train.select(features), more]) if train.height else more


def _export_one(form: Format, source: Source, held_out: pl.DataFrame, wish: Wish) -> Exported:
    from tunewright.export.measuring import size_mb
    from tunewright.export.writing import write_export

    out = wish.out or _beside(source.folder, form.kind)
    wish.observe(Event(station="export", what="note", text=f"{form.kind}: {form.what}."))
    made = write_export(out, form, source, held_out=held_out, budget=_allowed(form.budget, wish.budget))
    return Exported(
        path=str(out),
        format=form.kind,
        parity=made.parity,
        size_mb=size_mb(out),
        why=form.what,
        detail=made.detail,
    )


def _beside(folder: Path, kind: str) -> Path:
    return folder.with_name(f"{folder.name}-{kind}")


def _allowed(budget: Budget, metric: float | None) -> Budget:
    """A format's budget with another fall of the metric; a format that gives nothing up keeps its own."""
    if metric is None or budget.agreement == 1.0:
        return budget
    return replace(budget, metric=metric, agreement=max(1.0 - (1.0 - budget.agreement) * metric / budget.metric, 0.0))


def _export_best(source: Source, held_out: pl.DataFrame, wish: Wish) -> Exported:
    """Export to every format that works here, measure those that pass the gate, and keep the best."""
    from tunewright.export.choosing import choose
    from tunewright.export.measuring import size_mb
    from tunewright.export.writing import PARITY

    limits = _limits(source.folder)
    purpose = wish.purpose or ("latency" if limits.latency_ms is not None else "throughput")
    with tempfile.TemporaryDirectory() as scratch:
        tried = _try_all(Path(scratch), source, held_out, wish)
        chosen, all_tried = choose(tried, limits, cast("Purpose", purpose))  # `_check` has looked at it
        out = wish.out or _beside(source.folder, chosen.format)
        with write_folder(out) as temporary:
            _copy(Path(scratch, chosen.format), temporary)
    wish.observe(Event(station="export", what="decided", text=f"{chosen.format}: {chosen.why}."))
    return Exported(
        path=str(out),
        format=chosen.format,
        parity=from_json(Parity, read_json(out / PARITY)),
        size_mb=size_mb(out),
        why=chosen.why,
        tried=all_tried,
    )


def _limits(folder: Path) -> Limits:
    """What the plan allowed the model to cost, as its bundle tells; none where an earlier release wrote it."""
    from tunewright.bundle.reading import ABOUT

    held = read_json(folder / ABOUT).get("limits") or {}
    return Limits(latency_ms=held.get("latency_ms"), size_mb=held.get("size_mb"))


def _copy(made: Path, to: Path) -> None:
    from tunewright.runfolder.marker import MARKER

    shutil.copytree(made, to, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MARKER))


def _try_all(scratch: Path, source: Source, held_out: pl.DataFrame, wish: Wish) -> list[Tried]:
    """Every format: exported, held to the trained model, and measured side by side where it passed."""
    from tunewright.bundle.reading import read_bundle
    from tunewright.export.formats import TRIED
    from tunewright.export.measuring import measure_speeds, size_mb

    tried = [_try(form, scratch / form.kind, source, held_out, wish) for form in TRIED]
    passed = [one.format for one in tried if one.state == "passed"]
    speeds = dict(zip(passed, measure_speeds([read_bundle(scratch / kind) for kind in passed], held_out)))
    return [
        replace(
            one,
            rows_per_second=speeds[one.format].rows_per_second,
            latency_ms=speeds[one.format].latency_ms,
            size_mb=size_mb(scratch / one.format),
        )
        if one.format in speeds
        else one
        for one in tried
    ]


def _try(form: Format, folder: Path, source: Source, held_out: pl.DataFrame, wish: Wish) -> Tried:
    from tunewright.export.writing import write_export

    wish.observe(Event(station="export", what="note", text=f"Trying {form.kind}."))
    try:
        made = write_export(folder, form, source, held_out=held_out, budget=_allowed(form.budget, wish.budget))
    except MissingExtra as problem:
        return Tried(format=form.kind, state="not available here", why=str(problem))
    except ExportError as problem:
        return Tried(format=form.kind, state="over the budget", why=str(problem))
    return Tried(format=form.kind, state="passed", why="", parity=made.parity)
