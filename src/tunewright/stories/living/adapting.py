"""`adapt`: new rows, a challenger that starts from the champion, and gates between the two."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tunewright.bundle.predictor import Predictor
from tunewright.bundle.reading import read_reference_of
from tunewright.data.options import AuditOptions
from tunewright.evaluation.answers import Answers, slice_masks
from tunewright.evaluation.comparing import compare_answers
from tunewright.evaluation.efficiency import measure_efficiency
from tunewright.evaluation.limits import limits_of
from tunewright.evaluation.protected import read_slices
from tunewright.events import Event, Observer, silent
from tunewright.living import gates
from tunewright.living.estimate import estimate, importance
from tunewright.living.logs import read_log
from tunewright.living.rows import alike, answers_of, table_of
from tunewright.living.watching import pair
from tunewright.metrics import score
from tunewright.plan import Plan, read_plan
from tunewright.planfile import as_tree
from tunewright.records import Adaptation, Compared, Gate, to_json
from tunewright.runfolder import RunFolder, read_json, write_json
from tunewright.search.options import ImproveOptions, SearchOptions
from tunewright.splits import SplitOptions
from tunewright.stories.judging.answering import answers_of_bundle
from tunewright.stories.living.adaptation_rows import (
    LEAST_TEST,
    PART,
    Batch,
    Known,
    as_text,
    column_kinds,
    joined,
    known_rows,
    new_rows,
)
from tunewright.stories.run import run_story
from tunewright.stories.walk import Request

Array = np.ndarray[Any, np.dtype[Any]]
EPOCHS = 2
TRIED = ("accuracy",)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdaptRequest:
    """What is asked for.

    Args:
        champion: bundle folder of the model that serves.
        run: its run folder, with plan and split; None: the folder the bundle lies in.
        new: labelled rows, a path or anything that `read` takes.
        old: the rows it was trained on, where they are no longer where its plan says; None: there.
        out: folder for rows and run of the challenger.
        trusted: somebody said that the new labels are right.
        seed: of what is drawn.
        observe: hears events.
        stop: returns a signal number once one has arrived.
    """

    champion: Path
    new: Any
    out: Path
    run: Path | None = None
    old: Any = None
    trusted: bool = False
    seed: int = 0
    observe: Observer = silent
    stop: Callable[[], int | None] = lambda: None


def adapt_story(request: AdaptRequest) -> Adaptation:
    """Take new rows into a model: hold their labels to what the champion knows, train from it, compare, decide.

    The decision is `proposed` or `rejected`; who keeps a registry promotes what is proposed.

    Raises:
        ModelError: no bundle, or one without the run that made it.
        DataError: rows that cannot be read, too few of them, or old rows that are not those of the run.
        PlanError: the run's plan no longer fits.
    """
    started = time.monotonic()
    known = known_rows(request.champion, RunFolder(request.run or request.champion.parent), old=request.old)
    batch = new_rows(known, request.new, seed=request.seed)
    _say(request, f"{batch.raw.height:,} new rows of {batch.given:,} have a label and were not seen before.")
    labels = _labels_gate(known, batch, request)
    empty = Adaptation(
        decision="rejected",
        why="",
        metric=known.predictor.model.metric,
        gates=(labels,),
        rows={"given": batch.given, "left_out": batch.given - batch.raw.height, "trained": 0, "replayed": 0},
        champion=str(request.champion),
    )
    if not labels.passed:
        return replace(empty, why=f"Labels: {labels.detail}", seconds=_since(started))
    frame, replay = joined(known, batch, seed=request.seed)
    _say(
        request,
        f"Training on {batch.parts.count('train'):,} new rows and {replay:,} old ones, from the champion's weights.",
    )
    folder, _ = run_story(
        Request(
            plan=_plan(known, _written(frame, request.out), request),
            out=request.out / "run",
            observe=request.observe,
            stop=request.stop,
        )
    )
    found = _judged(known, batch, folder)
    passed, why = gates.verdict_of((labels, *found.gates), metric=empty.metric)
    answer = replace(
        empty,
        decision="proposed" if passed else "rejected",
        why=why,
        difference=found.compared["all"].difference,
        compared=found.compared,
        gates=(labels, *found.gates),
        rows={**empty.rows, "trained": batch.parts.count("train"), "replayed": replay},
        labels_added=found.added,
        challenger=str(folder.bundle),
        run=str(folder.path),
        seconds=_since(started),
    )
    write_json(request.out / "adaptation.json", to_json(answer))
    return answer


def _say(request: AdaptRequest, text: str) -> None:
    request.observe(Event(station="adapt", what="note", text=text))


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)


def _labels_gate(known: Known, batch: Batch, request: AdaptRequest) -> Gate:
    """The champion's accuracy by the new labels beside what its confidence promises.

    Of new rows that are like the old ones, and of classes that it knows: elsewhere its confidence promises nothing, and
    the gates after training decide.
    """
    model, old = known.predictor.model, read_reference_of(request.champion)
    if old is None or old.targets is None or model.task.kind == "regression":
        return gates.labels_gate(None, None, trusted=request.trusted)
    new = read_log(model, batch.raw).rows
    whole = pair(model, old, new, frozenset(), seed=request.seed)
    table = table_of(whole.aspects)
    before, after = answers_of(model, whole.old), answers_of(model, whole.new)
    rows = np.flatnonzero(after.known & alike(table, whole.old.rows))
    if len(rows) < LEAST_TEST:
        return gates.labels_gate(None, None, trusted=request.trusted)
    weights = importance(table[: whole.old.rows], table[whole.old.rows :])
    expected = estimate(before, after.take(rows), weights, TRIED, seed=request.seed).get("accuracy")
    return gates.labels_gate(expected, score("accuracy", after.take(rows)), trusted=request.trusted)


def _written(frame: pl.DataFrame, out: Path) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    path = out / "rows.parquet"
    frame.write_parquet(path)
    return path


def _plan(known: Known, rows: Path, request: AdaptRequest) -> Plan:
    """The run's plan on other rows, from the champion's weights, without what only a first run needs."""
    plan, model = known.plan, known.predictor.model
    table = model.preprocessor.table
    backbone = plan.model if model.backbone is None else replace(plan.model, name=str(request.champion))
    sections: dict[str, Any] = {
        "data": replace(
            plan.data, train=str(rows), validation=None, test=None, target=table.target, columns=column_kinds(table)
        ),
        "splits": SplitOptions(part=PART),
        "model": {**as_tree(backbone), "pooling": model.pooling if model.backbone else plan.model.pooling},
        "training": replace(plan.training, epochs=EPOCHS),
        "audit": AuditOptions(apply="none"),
        "search": SearchOptions(),
        "improve": ImproveOptions(),
        "knowledge": replace(plan.knowledge, never_use=()),
        "seed": request.seed,
    }
    kept: dict[str, Any] = {
        name: getattr(plan, name) for name in ("objective", "preprocess", "balance", "augment", "budget", "report")
    }
    return read_plan(None, **kept, **sections)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    gates: tuple[Gate, ...]
    compared: dict[str, Compared]
    added: tuple[str, ...]


def _judged(known: Known, batch: Batch, folder: RunFolder) -> _Judged:
    """Champion and challenger on the rows that neither learned from: old ones, new ones, all."""
    challenger = Predictor.load(folder.bundle)
    old = known.raw[list(known.split.test)]
    new = batch.raw.filter(pl.Series([part == "test" for part in batch.parts]))
    new = new.select([name for name in old.columns if name in new.columns])
    both = pl.concat([as_text(old), as_text(new)], how="diagonal")
    metric = known.predictor.model.metric

    def compare(rows: pl.DataFrame) -> Compared:
        found = [_answers(one, rows, known.plan) for one in (challenger, known.predictor)]
        return compare_answers(found[0], found[1], metric_name=metric, names=("the challenger", "the champion"))

    on_old, everything = compare(as_text(old)), compare(both)
    on_new = compare(as_text(new)) if new.height >= LEAST_TEST else None
    compared = [one for one in (on_new, on_old) if one is not None]
    labels = set(challenger.model.task.labels) - set(known.predictor.model.task.labels)
    limits = known.plan.objective.limits
    cost = measure_efficiency(challenger.model, challenger.model.preprocessor.conform(both)).efficiency
    return _Judged(
        gates=(
            gates.better_gate(on_new, everything),
            gates.new_rows_gate(on_new, rows=new.height),
            gates.old_rows_gate(on_old),
            gates.protected_gate(compared),
            gates.behaviours_gate(_failed(known.predictor, both), _failed(challenger, both)),
            gates.parity_gate(read_json(folder.bundle / "parity.json")),
            gates.limits_gate(limits_of(cost, limits), limits.given()),
        ),
        compared={"old": on_old, "all": everything, **({} if on_new is None else {"new": on_new})},
        added=tuple(sorted(labels)),
    )


def _answers(predictor: Predictor, rows: pl.DataFrame, plan: Plan) -> Answers:
    """A bundle's answers, with the slices that the plan protects."""
    answers = answers_of_bundle(predictor, rows)
    protect = plan.knowledge.protect
    if not protect:
        return answers
    preprocessor = predictor.model.preprocessor
    typed = preprocessor.conform(rows, require_target=True)
    typed = typed.filter(pl.col(preprocessor.table.target).is_not_null())
    masks = slice_masks(typed, preprocessor.table, read_slices(protect, typed.schema))
    return replace(answers, slices=masks, protected=tuple(protect))


def _failed(predictor: Predictor, rows: pl.DataFrame) -> tuple[str, ...]:
    """Names of the behaviours that a bundle asks for and its model does not show."""
    from tunewright.stories.judging.evaluating import evaluate_bundle

    if predictor.behaviours is None:
        return ()
    results = evaluate_bundle(predictor, rows).behaviours
    return tuple(one.name for one in results if one.verdict == "failed")
