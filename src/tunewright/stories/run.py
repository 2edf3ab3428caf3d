"""`run`: the whole road from a data file to a bundle and a report. One short function per station, in order."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from tunewright.data.masking import masked
from tunewright.events import to_all
from tunewright.plan import Plan
from tunewright.runfolder import RunFolder, write_json
from tunewright.runfolder.context import RunContext
from tunewright.stories.prepare import Loaded, Prepared
from tunewright.stories.walk import Clock, Request, walk

if TYPE_CHECKING:
    from tunewright.records import Analysis, Expectation, Explanation, Improvement, Study
    from tunewright.stories.auditing.station import Audited
    from tunewright.stories.training.station import Trained


def run_story(request: Request) -> tuple[RunFolder, dict[str, Any]]:
    """Walk the whole road, or continue where an earlier walk was interrupted.

    Returns:
        The run folder and the run's summary, the object that `run --json` prints.

    Raises:
        TunewrightError: see the exception tree; the run folder holds everything up to the last checkpoint.
    """
    return walk(request, _walk, home="runs")


def _walk(request: Request, loaded: Loaded, folder: RunFolder, run: RunContext) -> dict[str, Any]:
    from tunewright.stories.auditing.station import audited
    from tunewright.stories.delivering import station as deliver
    from tunewright.stories.delivering.energy import Meter
    from tunewright.stories.delivering.evidence import Gathered
    from tunewright.stories.delivering.rebuild import write_report
    from tunewright.stories.judging.station import scored
    from tunewright.stories.training.station import train

    meter = Meter()
    run = replace(run, observe=to_all(run.observe, meter))
    clock = Clock(run.observe)
    found = audited(request.plan, loaded, folder, run)
    clock.lap("audit")
    chosen = _chosen(found, folder, run, clock)
    trained = train(found.mended.prepared, chosen.plan, run, folder, doubtful=found.doubtful())
    write_json(folder.model_json, trained.fitted.trained)
    clock.lap("train")
    cost, evaluation, analysis = scored(loaded, found, trained, chosen.plan, folder, run)
    clock.lap("evaluate")
    explanation, analysis = _explained(found.mended.prepared, trained, analysis, request.plan, folder, run)
    clock.lap("explain")
    got = Gathered(
        name=folder.path.name,
        plan=request.plan,
        raw=loaded.frame,
        mended=found.mended,
        trained=trained,
        evaluation=evaluation,
        analysis=analysis,
        explanation=explanation,
        findings=found.findings,
        study=chosen.study,
        improvement=chosen.improvement,
        energy=meter.total(),
        seconds=clock.seconds,
        versions=deliver.versions(),
    )
    deliver.bundle(folder, got, cost)
    clock.lap("bundle")
    seconds = {**clock.seconds, "total": round(sum(clock.seconds.values()), 3)}
    summary = deliver.summary(folder, got, seconds=seconds)
    write_report(folder, summary)
    # A finished run needs no checkpoints; they are the largest thing in its folder.
    shutil.rmtree(folder.checkpoints, ignore_errors=True)
    return summary


class _Chosen(NamedTuple):
    """The plan to train by, and how it was found."""

    plan: Plan
    study: Study | None
    improvement: Improvement | None


def _chosen(found: Audited, folder: RunFolder, run: RunContext, clock: Clock) -> _Chosen:
    """Search and improve, where the plan asks for it."""
    from tunewright.stories.training.improving import improve
    from tunewright.stories.training.tuning import search

    prepared = found.mended.prepared
    searched = search(prepared, found.mended.plan, run)
    if searched.study is not None:
        write_json(folder.study_json, searched.study)
        clock.lap("search")
    improved = improve(prepared, searched.plan, run, doubtful=found.doubtful())
    if improved.improvement is not None:
        write_json(folder.improvement_json, improved.improvement)
        clock.lap("improve")
    return _Chosen(improved.plan, searched.study, improved.improvement)


def _explained(
    prepared: Prepared, trained: Trained, analysis: Analysis, plan: Plan, folder: RunFolder, run: RunContext
) -> tuple[Explanation, Analysis]:
    """Look at what the model looks at, tell what speaks against it, and give the mistakes their reasons."""
    from tunewright.stories.judging.explaining import explain_run
    from tunewright.stories.judging.why_wrong import with_reasons

    explanation = explain_run(prepared, trained, plan)
    for one in explanation.expectations:
        if one.verdict != "confirmed":
            run.tell("explain", _concern(one, plan.knowledge.expect))
    write_json(folder.explanation_json, explanation)
    if plan.report.examples:
        analysis = with_reasons(analysis, prepared, trained, explanation)
        write_json(folder.analysis_json, analysis)
    return explanation, analysis


def _concern(one: Expectation, declared: Sequence[str]) -> str:
    """What speaks against the model, fit for an event: a word that the plan does not name is raw text of the data."""
    told = one.of == "column" or one.name in declared
    named = f"{one.of} {masked(one.name)!r}" if told else f"a {one.of} that the report names"
    return f"{one.verdict}: {named}. {one.text}"
