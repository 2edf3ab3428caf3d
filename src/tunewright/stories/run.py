"""`run`: the whole road from a data file to a bundle and a report. One short function per station, in order."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewright.data import fingerprint
from tunewright.events import Event, Observer, silent
from tunewright.plan import Plan
from tunewright.runfolder import Journal, RunFolder, RunLock, open_run, read_entries, read_json, write_json
from tunewright.runfolder.context import RunContext
from tunewright.stories.prepare import Loaded, Prepared, load_rows, pose, prepare

if TYPE_CHECKING:
    from tunewright.learning.fit import Fitted
    from tunewright.learning.recipes import Choices
    from tunewright.records import Evaluation


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a caller asks of a run.

    Args:
        plan: the resolved plan.
        source: data in memory in place of `data.train`, or None.
        out: the run folder, or None for `runs/<name>-<digest>`.
        fresh: start over in a folder that holds a run.
        observe: hears events.
        stop: returns a signal number once one has arrived.
    """

    plan: Plan
    source: Any = None
    out: Path | None = None
    fresh: bool = False
    observe: Observer = silent
    stop: Callable[[], int | None] = lambda: None


@dataclass(slots=True)
class Clock:
    """Seconds per station."""

    observe: Observer
    seconds: dict[str, float] = field(default_factory=dict)
    last: float = field(default_factory=time.monotonic)

    def lap(self, station: str) -> None:
        """Close a station."""
        now = time.monotonic()
        self.seconds[station] = round(now - self.last, 3)
        self.last = now
        self.observe(Event(station=station, what="done", data={"seconds": self.seconds[station]}))


def run_story(request: Request) -> tuple[RunFolder, dict[str, Any]]:
    """Walk the whole road, or continue where an earlier walk was interrupted.

    Returns:
        The run folder and the run's summary, the object that `run --json` prints.

    Raises:
        TunewrightError: see the exception tree; the run folder holds everything up to the last checkpoint.
    """
    loaded = load_rows(request.plan, request.source)
    digest = run_digest(request.plan, loaded)
    path = request.out or Path("runs") / f"{run_name(loaded)}-{digest[:8]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    with RunLock(path):
        folder = open_run(path, plan_text=request.plan.to_yaml(), digest=digest, fresh=request.fresh)
        if folder.finished:
            request.observe(Event(station="run", what="note", text=f"{path} is finished; --fresh starts over."))
            return folder, read_json(folder.summary_json)
        with Journal(folder.journal) as journal:
            context = RunContext(
                observe=request.observe, decide=journal.decide, stop=request.stop, checkpoints=folder.checkpoints
            )
            summary = _walk(request, loaded, folder, context)
            write_json(folder.summary_json, summary)
            journal.append("finished", {})
    return folder, summary


def run_digest(plan: Plan, loaded: Loaded) -> str:
    """What names a run: the resolved plan and the data's content."""
    import hashlib

    return hashlib.sha256(f"{plan.digest()} {fingerprint(loaded.frame)}".encode()).hexdigest()


def run_name(loaded: Loaded) -> str:
    """The data file's name, as far as it serves in a folder name.

    >>> from types import SimpleNamespace
    >>> run_name(SimpleNamespace(files=("data/my tickets.csv.gz",)))
    'my-tickets'
    """
    stem = Path(loaded.files[0]).name.split(".")[0]
    return "".join(c if c.isalnum() else "-" for c in stem).strip("-").lower()[:40] or "run"


def _walk(request: Request, loaded: Loaded, folder: RunFolder, run: RunContext) -> dict[str, Any]:
    from tunewright.stories import deliver
    from tunewright.stories.rebuild import write_report

    clock = Clock(run.observe)
    prepared = _audit(loaded, request.plan, folder)
    clock.lap("audit")
    fitted, choices, rows = _train(prepared, request.plan, run)
    write_json(folder.model_json, fitted.trained)
    clock.lap("train")
    evaluation = _evaluate(prepared, fitted, rows, folder, run)
    looks = _count_look(loaded, prepared, folder)
    evaluation = replace(evaluation, looks=looks)
    write_json(folder.evaluation_json, evaluation)
    _analyse(prepared, fitted, rows, folder, examples=request.plan.report.examples)
    clock.lap("evaluate")
    deliver.bundle(folder, prepared, fitted, evaluation, plan=request.plan)
    clock.lap("bundle")
    seconds = {**clock.seconds, "total": round(sum(clock.seconds.values()), 3)}
    summary = deliver.summary(
        folder, prepared, fitted, evaluation, plan=request.plan, seconds=seconds, notes=choices.notes
    )
    write_report(folder, summary)
    _remove_checkpoints(folder)
    return summary


def _audit(loaded: Loaded, plan: Plan, folder: RunFolder) -> Prepared:
    """Infer, split and look at the data; the split and the findings are on disk before anything is fitted."""
    prepared = prepare(loaded, plan)
    write_json(folder.split_json, prepared.split)
    audit = {"rows": prepared.typed.height, "findings": prepared.findings, "table": prepared.table}
    write_json(folder.audit_json, audit)
    return prepared


def _train(prepared: Prepared, plan: Plan, run: RunContext) -> tuple[Fitted, Choices, Any]:
    """Preprocess, choose, probe, fine-tune and keep the better."""
    from tunewright.evaluation.baselines import Rows
    from tunewright.learning.balance import make_balance
    from tunewright.learning.fit import fit
    from tunewright.learning.judging import Judging
    from tunewright.learning.recipes import choose

    problem = pose(prepared, plan)
    choices = choose(problem, plan.model, plan.training)
    balance = make_balance(
        plan.balance, problem.task, problem.targets["train"], metric=prepared.objective.metric, seed=plan.seed
    )
    choices = replace(choices, notes=(prepared.objective.why, *choices.notes, f"Balance: {balance.why}."))
    for note in choices.notes:
        run.tell("train", note)
    judging = Judging(problem, balance, prepared.objective.metric)
    fitted = fit(judging, choices, run)
    return fitted, choices, Rows(problem, fitted.frozen, fitted.lexical, judging.judge)


def _evaluate(prepared: Prepared, fitted: Fitted, rows: Any, folder: RunFolder, run: RunContext) -> Evaluation:
    """Score the sealed test part, the model's once and each baseline's."""
    from tunewright.evaluation.evaluate import evaluate
    from tunewright.evaluation.limits import measure_limits

    limits = measure_limits(fitted.model, rows.problem.typed["validation"], prepared.objective.limits)
    return evaluate(rows, fitted, prepared.objective, limits=limits, run=run)


def _count_look(loaded: Loaded, prepared: Prepared, folder: RunFolder) -> int:
    """Count this run's look by the raw rows, whatever the plan makes of them; a resumed run looks once."""
    from tunewright.seal import count_look

    opened = read_entries(folder.journal)[0]
    by = f"{folder.path.resolve()} {opened.time} {opened.data}"
    return count_look(loaded.frame[list(prepared.split.test)], by=by)


def _analyse(prepared: Prepared, fitted: Fitted, rows: Any, folder: RunFolder, *, examples: bool) -> None:
    """Look at the errors; without `report.examples` no text of a row is written."""
    from tunewright.analysis import analyse

    problem, model = rows.problem, fitted.model
    outcome = problem.task.outcome(problem.targets["test"], fitted.outputs["test"], model.decision)
    analysis = analyse(problem.task, outcome, problem.typed["test"], prepared.split.test, prepared.table)
    if not examples:
        analysis = replace(analysis, mistakes=tuple(replace(one, cells={}) for one in analysis.mistakes))
    write_json(folder.analysis_json, analysis)


def _remove_checkpoints(folder: RunFolder) -> None:
    """A finished run needs none; they are the largest thing in its folder."""
    import shutil

    shutil.rmtree(folder.checkpoints, ignore_errors=True)
