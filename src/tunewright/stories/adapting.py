"""`adapt`: new rows, a challenger that starts from the champion, and gates between the two."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from tunewright.bundle.predictor import Predictor
from tunewright.bundle.reading import ABOUT, read_reference_of
from tunewright.data import fingerprint, read, row_keys
from tunewright.data.options import AuditOptions
from tunewright.errors import DataError, ModelError
from tunewright.evaluation.answers import Answers, slice_masks
from tunewright.evaluation.comparing import compare_answers
from tunewright.evaluation.efficiency import measure_efficiency
from tunewright.evaluation.limits import limits_of
from tunewright.evaluation.protected import read_slices
from tunewright.events import Event, Observer, silent
from tunewright.living import gates
from tunewright.living.estimate import estimate, importance
from tunewright.living.logs import read_log
from tunewright.living.replay import replayed
from tunewright.living.rows import alike, answers_of, table_of
from tunewright.living.watching import pair
from tunewright.metrics import score
from tunewright.plan import Plan, read_plan
from tunewright.planfile import as_tree, read_yaml
from tunewright.records import Adaptation, Compared, Gate, Split, from_json, to_json
from tunewright.runfolder import RunFolder, read_json, write_json
from tunewright.search.options import ImproveOptions, SearchOptions
from tunewright.splits import SplitOptions, make_split
from tunewright.stories.answering import answers_of_bundle
from tunewright.stories.prepare import load_rows
from tunewright.stories.run import Request, run_story

Array = np.ndarray[Any, np.dtype[Any]]
PART = "_part"
FEWEST = 60  # new rows with a label that the champion has not seen
LEAST_TEST = 30  # of them that are held out
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


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """The champion and what it was made from."""

    predictor: Predictor
    plan: Plan
    raw: pl.DataFrame
    split: Split


@dataclass(frozen=True, slots=True, kw_only=True)
class _Batch:
    """New rows.

    Args:
        raw: with a label, not seen by the champion.
        parts: of each: train, validation or test.
        given: how many there were.
    """

    raw: pl.DataFrame
    parts: tuple[str, ...]
    given: int


def adapt_story(request: AdaptRequest) -> Adaptation:
    """Take new rows into a model: hold their labels to what the champion knows, train from it, compare, decide.

    The decision is `proposed` or `rejected`; who keeps a registry promotes what is proposed.

    Raises:
        ModelError: no bundle, or one without the run that made it.
        DataError: rows that cannot be read, too few of them, or old rows that are not those of the run.
        PlanError: the run's plan no longer fits.
    """
    started = time.monotonic()
    known = _known(request)
    batch = _batch(known, request)
    told = _Telling(request.observe)
    told.say(f"{batch.raw.height:,} new rows of {batch.given:,} have a label and were not seen before.")
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
    frame, replay = _joined(known, batch, seed=request.seed)
    told.say(
        f"Training on {batch.parts.count('train'):,} new rows and {replay:,} old ones, from the champion's weights."
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


@dataclass(frozen=True, slots=True)
class _Telling:
    observe: Observer

    def say(self, text: str) -> None:
        self.observe(Event(station="adapt", what="note", text=text))


def _since(started: float) -> float:
    return round(time.monotonic() - started, 3)


def _known(request: AdaptRequest) -> _Known:
    predictor = Predictor.load(request.champion)
    run = RunFolder(request.run or request.champion.parent)
    if not (run.plan_yaml.is_file() and run.split_json.is_file()):
        raise ModelError(
            f"Adapting needs the plan and the split of the run that made the model. {run.path} holds none. "
            "Give the bundle inside its run folder, or name the run folder with --run."
        )
    plan = _read_plan(run, predictor)
    loaded = load_rows(plan, request.old)
    split = from_json(Split, read_json(run.split_json))
    wanted = read_json(request.champion / ABOUT).get("data_fingerprint")
    # What a run learned from names its data; test rows do not, they must not decide anything.
    learned = sorted((*split.train, *split.validation))
    if learned[-1] >= loaded.frame.height or fingerprint(loaded.frame[learned]) != wanted:
        raise DataError(
            f"Old rows must be those that the model was trained on. {', '.join(loaded.files)} holds others. "
            "Give a copy of the file as it was with --old."
        )
    return _Known(predictor=predictor, plan=plan, raw=loaded.frame, split=split)


def _read_plan(run: RunFolder, predictor: Predictor) -> Plan:
    tree, _ = read_yaml(run.plan_yaml.read_text("utf-8"))
    assert isinstance(tree, Mapping)
    plan = read_plan(None, **tree)
    if plan.data.train is None:
        plan = replace(plan, data=replace(plan.data, target=predictor.model.preprocessor.table.target))
    return plan


def _batch(known: _Known, request: AdaptRequest) -> _Batch:
    """New rows that can be learned from, split into parts of their own."""
    raw = read(request.new).frame
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
        seed=request.seed,
    )
    parts = np.full(kept.height, "train", object)
    parts[list(split.validation)] = "validation"
    parts[list(split.test)] = "test"
    return _Batch(raw=kept, parts=tuple(parts.tolist()), given=raw.height)


def _tested(known: _Known, raw: pl.DataFrame) -> Array:
    """(n,) which new rows are old test rows: by their feature cells, as `seen` tells them."""
    preprocessor = known.predictor.model.preprocessor
    features = [column.name for column in preprocessor.table.columns if column.role == "feature"]
    held_out = row_keys(preprocessor.conform(known.raw[list(known.split.test)]), features)
    mine = row_keys(preprocessor.conform(raw), features)
    there = {key.tobytes() for key in held_out}
    return np.array([key.tobytes() in there for key in mine], bool)


def _labels_gate(known: _Known, batch: _Batch, request: AdaptRequest) -> Gate:
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


def _joined(known: _Known, batch: _Batch, *, seed: int) -> tuple[pl.DataFrame, int]:
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
    return pl.concat([_as_text(old), _as_text(new)], how="diagonal"), len(again)


def _as_text(frame: pl.DataFrame) -> pl.DataFrame:
    """Cells as a file would hold them, so that columns of two files meet; lists stay lists."""
    return frame.with_columns(
        pl.col(name).cast(pl.String) for name, kind in frame.schema.items() if not isinstance(kind, pl.List)
    )


def _written(frame: pl.DataFrame, out: Path) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    path = out / "rows.parquet"
    frame.write_parquet(path)
    return path


def _plan(known: _Known, rows: Path, request: AdaptRequest) -> Plan:
    """The run's plan on other rows, from the champion's weights, without what only a first run needs."""
    plan, model = known.plan, known.predictor.model
    table = model.preprocessor.table
    columns = {column.name: column.kind for column in table.columns if not column.derived and column.role == "feature"}
    columns |= {column.name: "ignore" for column in table.columns if column.role == "ignore" and not column.derived}
    backbone = plan.model if model.backbone is None else replace(plan.model, name=str(request.champion))
    fields = dict(plan.knowledge.derive)
    sections: dict[str, Any] = {
        "data": replace(plan.data, train=str(rows), validation=None, test=None, target=table.target, columns=columns),
        "splits": SplitOptions(part=PART),
        "model": {**as_tree(backbone), "pooling": model.pooling if model.backbone else plan.model.pooling},
        "training": replace(plan.training, epochs=EPOCHS),
        "audit": AuditOptions(apply="none"),
        "search": SearchOptions(),
        "improve": ImproveOptions(),
        "knowledge": replace(plan.knowledge, derive=fields, never_use=()),
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


def _judged(known: _Known, batch: _Batch, folder: RunFolder) -> _Judged:
    """Champion and challenger on the rows that neither learned from: old ones, new ones, all."""
    challenger = Predictor.load(folder.bundle)
    old = known.raw[list(known.split.test)]
    new = batch.raw.filter(pl.Series([part == "test" for part in batch.parts]))
    new = new.select([name for name in old.columns if name in new.columns])
    both = pl.concat([_as_text(old), _as_text(new)], how="diagonal")
    metric = known.predictor.model.metric

    def compare(rows: pl.DataFrame) -> Compared:
        found = [_answers(one, rows, known.plan) for one in (challenger, known.predictor)]
        return compare_answers(found[0], found[1], metric_name=metric, names=("the challenger", "the champion"))

    on_old, everything = compare(_as_text(old)), compare(both)
    on_new = compare(_as_text(new)) if new.height >= LEAST_TEST else None
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
    from tunewright.stories.evaluating import evaluate_bundle

    if predictor.behaviours is None:
        return ()
    results = evaluate_bundle(predictor, rows).behaviours
    return tuple(one.name for one in results if one.verdict == "failed")
