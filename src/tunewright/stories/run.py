"""`run`: the whole road from a data file to a bundle and a report. One short function per station, in order."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from tunewright.data import fingerprint
from tunewright.errors import PlanError
from tunewright.events import Event, Observer, silent, to_all
from tunewright.plan import Plan
from tunewright.remote import is_url
from tunewright.runfolder import Journal, RunFolder, open_run, read_entries, read_json, write_json
from tunewright.runfolder.context import RunContext
from tunewright.runfolder.place import Place, held
from tunewright.runfolder.told import kept
from tunewright.stories import telling
from tunewright.stories.audit import examine
from tunewright.stories.knowledge import check_knowledge, correct, corrections_json, with_behaviours
from tunewright.stories.prepare import Loaded, Prepared, load_rows, prepare

if TYPE_CHECKING:
    from tunewright.records import Efficiency, Evaluation, Explanation, Finding
    from tunewright.stories.corrections import Corrections
    from tunewright.stories.errors import Doubts
    from tunewright.stories.repair import Mended
    from tunewright.stories.training import Trained


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What a caller asks of a run.

    Args:
        plan: the resolved plan.
        source: data in memory in place of `data.train`, or None.
        out: the run folder, a path or a URL, or None for `runs/<name>-<digest>`.
        fresh: start over in a folder that holds a run.
        observe: hears events.
        stop: returns a signal number once one has arrived.
        on: the cluster to use, `ray` or `ray://HOST:PORT`, or None for this machine: `tune` sends its trials there, and
            `run_where_asked` the whole run.
    """

    plan: Plan
    source: Any = None
    out: Path | str | None = None
    fresh: bool = False
    observe: Observer = silent
    stop: Callable[[], int | None] = lambda: None
    on: str | None = None


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
    out = request.out or Path(home) / f"{run_name(loaded)}-{digest[:8]}"
    new = not is_url(out) and not Path(out).exists()
    with held(out, fresh=request.fresh, observe=request.observe) as place:
        folder = open_run(place.path, plan_text=request.plan.to_yaml(), digest=digest, fresh=request.fresh)
        if folder.finished:
            place.settle()
            request.observe(telling.opened(place, request.plan, finished=True))
            request.observe(Event(station="run", what="note", text=f"{place.name} is finished; --fresh starts over."))
            return folder, read_json(folder.summary_json)
        try:
            summary = _walk_in(folder, place, request, road, loaded)
        except PlanError:
            # What the plan gets wrong about the data shows before anything is worth keeping.
            if new:
                shutil.rmtree(place.path, ignore_errors=True)
            raise
        place.settle()
    return folder, summary


def _walk_in(folder: RunFolder, place: Place, request: Request, road: Walk, loaded: Loaded) -> dict[str, Any]:
    with Journal(folder.journal) as journal, kept(folder.progress_jsonl) as told:
        request = replace(request, observe=to_all(told, place.keep_up, request.observe))
        request.observe(telling.opened(place, request.plan))
        context = RunContext(
            observe=request.observe,
            decide=journal.decide,
            stop=request.stop,
            checkpoints=folder.checkpoints,
            on=request.on,
            memory_gb=request.plan.budget.memory_limit,
        )
        summary = place.as_found(road(request, loaded, folder, context))
        write_json(folder.summary_json, summary)
        journal.append("finished", {})
        request.observe(telling.finished(summary))
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
    from tunewright.evaluation.efficiency import measure_efficiency
    from tunewright.stories import deliver
    from tunewright.stories.answering import answers_of_run, keep_answers
    from tunewright.stories.damaging import with_robustness
    from tunewright.stories.energy import Meter
    from tunewright.stories.errors import look_at_errors
    from tunewright.stories.evidence import Gathered
    from tunewright.stories.improving import improve
    from tunewright.stories.mistaken import mistaken
    from tunewright.stories.mistakes import with_reasons
    from tunewright.stories.rebuild import write_report
    from tunewright.stories.training import train
    from tunewright.stories.tuning import search

    meter = Meter()
    run = replace(run, observe=to_all(run.observe, meter))
    clock = Clock(run.observe)
    mended, findings, doubts = audited(request.plan, loaded, folder, run)
    prepared = mended.prepared
    clock.lap("audit")
    searched = search(prepared, mended.plan, run)
    plan = searched.plan
    if searched.study is not None:
        write_json(folder.study_json, searched.study)
        clock.lap("search")
    doubtful = _doubtful(findings)
    improved = improve(prepared, plan, run, doubtful=doubtful)
    plan = improved.plan
    if improved.improvement is not None:
        write_json(folder.improvement_json, improved.improvement)
        clock.lap("improve")
    trained = train(prepared, plan, run, folder, doubtful=doubtful)
    fitted = trained.fitted
    write_json(folder.model_json, fitted.trained)
    clock.lap("train")
    cost = measure_efficiency(fitted.model, deliver.parity_rows(prepared))
    evaluation = _evaluate(prepared, trained, plan, run, cost.efficiency)
    evaluation = with_behaviours(evaluation, fitted.model, prepared, request.plan)
    evaluation, damaged = with_robustness(evaluation, prepared, trained, run)
    evaluation = replace(evaluation, looks=_count_look(loaded, prepared, folder))
    write_json(folder.evaluation_json, evaluation)
    keep_answers(folder.answers, answers_of_run(prepared, trained, loaded.frame, plan.knowledge.protect))
    examples = request.plan.report.examples
    analysis = look_at_errors(prepared, trained, findings=findings, doubts=doubts, examples=examples)
    analysis = replace(analysis, damaged=damaged if examples else ())
    write_json(folder.analysis_json, analysis)
    write_json(folder.mistakes_json, mistaken(prepared, trained))
    clock.lap("evaluate")
    explanation = _explain(prepared, trained, folder, request.plan, run)
    if examples:
        analysis = with_reasons(analysis, prepared, trained, explanation)
        write_json(folder.analysis_json, analysis)
    clock.lap("explain")
    energy = meter.total()
    got = Gathered(
        name=folder.path.name,
        plan=request.plan,
        raw=loaded.frame,
        mended=mended,
        trained=trained,
        evaluation=evaluation,
        analysis=analysis,
        explanation=explanation,
        findings=findings,
        study=searched.study,
        improvement=improved.improvement,
        energy=energy,
        seconds=clock.seconds,
        versions=deliver.versions(),
    )
    deliver.bundle(folder, got, cost)
    clock.lap("bundle")
    seconds = {**clock.seconds, "total": round(sum(clock.seconds.values()), 3)}
    summary = deliver.summary(folder, got, seconds=seconds)
    write_report(folder, summary)
    _remove_checkpoints(folder)
    return summary


def _doubtful(findings: tuple[Finding, ...]) -> list[int]:
    """Ids of the rows whose label the audit doubts."""
    return [row for finding in findings if finding.kind == "label_errors" for row in finding.rows]


class Audited(NamedTuple):
    """What goes on from the audit: mended rows, findings, and what speaks against the labels."""

    mended: Mended
    findings: tuple[Finding, ...]
    doubts: Doubts


def audited(plan: Plan, loaded: Loaded, folder: RunFolder, run: RunContext) -> Audited:
    """Split, correct, examine and mend; written to the run folder.

    Of what the audit learned (features, sums over folds, words) only findings, doubts and kept remedies go on; the
    memory is given back before anything trains.
    """
    from tunewright.models.exhausted import give_back

    found = _audited(plan, loaded, folder, run)
    give_back()
    return found


def _audited(plan: Plan, loaded: Loaded, folder: RunFolder, run: RunContext) -> Audited:
    from tunewright.stories.errors import doubts_of
    from tunewright.stories.inspect import suggestions_of
    from tunewright.stories.repair import mend

    prepared = prepare(loaded, plan)
    write_json(folder.split_json, prepared.split)
    check_knowledge(prepared, plan)
    prepared, corrections = correct(prepared, plan)
    examined = examine(prepared, plan, run)
    run.observe(telling.found(examined.findings))
    mended = mend(prepared, examined, plan, run)
    suggestions = suggestions_of(examined.learned(), examined.findings)
    write_json(folder.audit_json, _audit_json(mended, examined.findings, corrections, suggestions))
    return Audited(mended, examined.findings, doubts_of(examined.learned(), seed=plan.seed))


def _audit_json(
    mended: Mended,
    findings: tuple[Finding, ...],
    corrections: Corrections | None,
    suggestions: Mapping[int, str],
) -> dict[str, Any]:
    return {
        "rows": mended.prepared.typed.height,
        "findings": findings,
        "table": mended.prepared.table,
        "repairs": mended.repairs,
        "remedies": mended.trials,
        "corrections": corrections_json(corrections),
        "suggestions": suggestions,
    }


def _evaluate(prepared: Prepared, trained: Trained, plan: Plan, run: RunContext, efficiency: Efficiency) -> Evaluation:
    """Score the sealed test part, the model's once and each baseline's."""
    from tunewright.evaluation.evaluate import evaluate
    from tunewright.evaluation.limits import limits_of

    fitted, rows, crossed = trained.fitted, trained.rows, trained.crossed
    limits = limits_of(efficiency, prepared.objective.limits)
    evaluation = evaluate(rows, fitted, prepared.objective, limits=limits, run=run, protect=plan.knowledge.protect)
    evaluation = replace(evaluation, efficiency=efficiency)
    if crossed is None:
        return evaluation
    return replace(evaluation, metrics={**evaluation.metrics, "validation": crossed.metrics}, folds=crossed.folds)


def _count_look(loaded: Loaded, prepared: Prepared, folder: RunFolder) -> int:
    """Count this run's look by the raw rows, whatever the plan makes of them; a resumed run looks once."""
    from tunewright.seal import count_look

    opened = read_entries(folder.journal)[0]
    # Not by its path: a run that goes on in another place, or on another machine, is the same run.
    by = f"{folder.path.name} {opened.time} {opened.data}"
    return count_look(loaded.frame[list(prepared.split.test)], by=by)


def _explain(prepared: Prepared, trained: Trained, folder: RunFolder, plan: Plan, run: RunContext) -> Explanation:
    """Look at what the model looks at, and tell what speaks against it."""
    from tunewright.stories.explaining import explain_run

    explanation = explain_run(prepared, trained, plan)
    for one in explanation.expectations:
        if one.verdict != "confirmed":
            run.tell("explain", f"{one.verdict}: {one.of} {one.name!r}. {one.text}")
    write_json(folder.explanation_json, explanation)
    return explanation


def _remove_checkpoints(folder: RunFolder) -> None:
    """A finished run needs none; they are the largest thing in its folder."""
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
