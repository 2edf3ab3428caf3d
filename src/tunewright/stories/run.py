"""`run`: the whole road from a data file to a bundle and a report. One short function per station, in order."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tunewright.data import fingerprint
from tunewright.errors import PlanError
from tunewright.events import Event, Observer, silent
from tunewright.plan import Plan
from tunewright.runfolder import Journal, RunFolder, RunLock, open_run, read_entries, read_json, write_json
from tunewright.runfolder.context import RunContext
from tunewright.stories.audit import Examined, examine
from tunewright.stories.knowledge import check_knowledge, correct, corrections_json, with_behaviours
from tunewright.stories.prepare import Loaded, Prepared, load_rows, prepare

if TYPE_CHECKING:
    from tunewright.records import Evaluation, Finding
    from tunewright.stories.corrections import Corrections
    from tunewright.stories.repair import Mended
    from tunewright.stories.training import Trained


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


Walk = Callable[[Request, Loaded, RunFolder, RunContext], dict[str, Any]]


def run_story(request: Request) -> tuple[RunFolder, dict[str, Any]]:
    """Walk the whole road, or continue where an earlier walk was interrupted.

    Returns:
        The run folder and the run's summary, the object that `run --json` prints.

    Raises:
        TunewrightError: see the exception tree; the run folder holds everything up to the last checkpoint.
    """
    return walk(request, _walk, home="runs")


def walk(request: Request, road: Walk, *, home: str) -> tuple[RunFolder, dict[str, Any]]:
    """Open the folder of a run, walk a road in it, and mark it as finished.

    Args:
        request: what is asked for.
        road: from the read rows to the summary.
        home: where run folders without a name of their own go.
    """
    loaded = load_rows(request.plan, request.source)
    digest = run_digest(request.plan, loaded)
    path = request.out or Path(home) / f"{run_name(loaded)}-{digest[:8]}"
    path.parent.mkdir(parents=True, exist_ok=True)
    new = not path.exists()
    with RunLock(path):
        folder = open_run(path, plan_text=request.plan.to_yaml(), digest=digest, fresh=request.fresh)
        if folder.finished:
            request.observe(Event(station="run", what="note", text=f"{path} is finished; --fresh starts over."))
            return folder, read_json(folder.summary_json)
        try:
            return folder, _walk_in(folder, request, road, loaded)
        except PlanError:
            # What the plan gets wrong about the data shows before anything is worth keeping.
            if new:
                shutil.rmtree(path, ignore_errors=True)
            raise


def _walk_in(folder: RunFolder, request: Request, road: Walk, loaded: Loaded) -> dict[str, Any]:
    with Journal(folder.journal) as journal:
        context = RunContext(
            observe=request.observe, decide=journal.decide, stop=request.stop, checkpoints=folder.checkpoints
        )
        summary = road(request, loaded, folder, context)
        write_json(folder.summary_json, summary)
        journal.append("finished", {})
    return summary


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
    from tunewright.stories.answering import answers_of_run, keep_answers
    from tunewright.stories.errors import look_at_errors
    from tunewright.stories.improving import improve
    from tunewright.stories.rebuild import write_report
    from tunewright.stories.training import train
    from tunewright.stories.tuning import search

    clock = Clock(run.observe)
    mended, examined = audited(request.plan, loaded, folder, run)
    prepared = mended.prepared
    clock.lap("audit")
    searched = search(prepared, mended.plan, run)
    plan = searched.plan
    if searched.study is not None:
        write_json(folder.study_json, searched.study)
        clock.lap("search")
    doubtful = _doubtful(examined.findings)
    improved = improve(prepared, plan, run, doubtful=doubtful)
    plan = improved.plan
    if improved.improvement is not None:
        write_json(folder.improvement_json, improved.improvement)
        clock.lap("improve")
    trained = train(prepared, plan, run, folder, doubtful=doubtful)
    fitted = trained.fitted
    write_json(folder.model_json, fitted.trained)
    clock.lap("train")
    evaluation = _evaluate(prepared, trained, plan, run)
    evaluation = with_behaviours(evaluation, fitted.model, prepared, request.plan)
    evaluation = replace(evaluation, looks=_count_look(loaded, prepared, folder))
    write_json(folder.evaluation_json, evaluation)
    keep_answers(folder.answers, answers_of_run(prepared, trained, loaded.frame, plan.knowledge.protect))
    examples, learned = request.plan.report.examples, examined.learned()
    analysis = look_at_errors(prepared, trained, findings=examined.findings, learned=learned, examples=examples)
    write_json(folder.analysis_json, analysis)
    clock.lap("evaluate")
    deliver.bundle(folder, prepared, fitted, evaluation, plan=request.plan)
    clock.lap("bundle")
    seconds = {**clock.seconds, "total": round(sum(clock.seconds.values()), 3)}
    summary = deliver.summary(
        folder,
        mended,
        fitted,
        evaluation,
        plan=request.plan,
        findings=examined.findings,
        study=searched.study,
        improvement=improved.improvement,
        seconds=seconds,
        notes=trained.choices.notes,
    )
    write_report(folder, summary)
    _remove_checkpoints(folder)
    return summary


def _doubtful(findings: tuple[Finding, ...]) -> list[int]:
    """Ids of the rows whose label the audit doubts."""
    return [row for finding in findings if finding.kind == "label_errors" for row in finding.rows]


def audited(plan: Plan, loaded: Loaded, folder: RunFolder, run: RunContext) -> tuple[Mended, Examined]:
    """Split, correct, examine and mend; written to the run folder."""
    from tunewright.stories.repair import mend

    prepared = prepare(loaded, plan)
    write_json(folder.split_json, prepared.split)
    check_knowledge(prepared, plan)
    prepared, corrections = correct(prepared, plan)
    examined = examine(prepared, plan, run)
    mended = mend(prepared, examined, plan, run)
    write_json(folder.audit_json, _audit_json(mended, examined.findings, corrections))
    return mended, examined


def _audit_json(mended: Mended, findings: tuple[Finding, ...], corrections: Corrections | None) -> dict[str, Any]:
    return {
        "rows": mended.prepared.typed.height,
        "findings": findings,
        "table": mended.prepared.table,
        "repairs": mended.repairs,
        "remedies": mended.trials,
        "corrections": corrections_json(corrections),
    }


def _evaluate(prepared: Prepared, trained: Trained, plan: Plan, run: RunContext) -> Evaluation:
    """Score the sealed test part, the model's once and each baseline's."""
    from tunewright.evaluation.evaluate import evaluate
    from tunewright.evaluation.limits import measure_limits

    fitted, rows, crossed = trained.fitted, trained.rows, trained.crossed
    limits = measure_limits(fitted.model, rows.problem.typed["validation"], prepared.objective.limits)
    evaluation = evaluate(rows, fitted, prepared.objective, limits=limits, run=run, protect=plan.knowledge.protect)
    if crossed is None:
        return evaluation
    return replace(evaluation, metrics={**evaluation.metrics, "validation": crossed.metrics}, folds=crossed.folds)


def _count_look(loaded: Loaded, prepared: Prepared, folder: RunFolder) -> int:
    """Count this run's look by the raw rows, whatever the plan makes of them; a resumed run looks once."""
    from tunewright.seal import count_look

    opened = read_entries(folder.journal)[0]
    by = f"{folder.path.resolve()} {opened.time} {opened.data}"
    return count_look(loaded.frame[list(prepared.split.test)], by=by)


def _remove_checkpoints(folder: RunFolder) -> None:
    """A finished run needs none; they are the largest thing in its folder."""
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
