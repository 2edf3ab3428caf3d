"""`tune`: the road up to the search, and the plan with the values that won; nothing is trained to be kept."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from tunewright.plan import Plan
from tunewright.records import Study
from tunewright.report.study import render_study
from tunewright.runfolder import RunFolder, write_json, write_text
from tunewright.runfolder.context import RunContext
from tunewright.stories.auditing.station import audited
from tunewright.stories.delivering.station import study_json
from tunewright.stories.prepare import Loaded
from tunewright.stories.training.tuning import search
from tunewright.stories.walk import Clock, Request, walk


def study_story(request: Request) -> tuple[RunFolder, dict[str, Any]]:
    """Search, or continue where an earlier search was interrupted.

    Returns:
        The folder, and the object that `tune --json` prints.

    Raises:
        TunewrightError: see the exception tree; the folder holds every trial that ended.
    """
    if request.plan.search.strategy == "none":
        request = replace(request, plan=replace(request.plan, search=replace(request.plan.search, strategy="bayesian")))
    return walk(request, _search, home="studies")


def _search(request: Request, loaded: Loaded, folder: RunFolder, run: RunContext) -> dict[str, Any]:
    clock = Clock(run.observe)
    mended = audited(request.plan, loaded, folder, run).mended
    clock.lap("audit")
    searched = search(mended.prepared, mended.plan, run)
    study = searched.study
    assert study is not None
    clock.lap("search")
    write_json(folder.study_json, study)
    write_text(folder.best_yaml, _settled(searched.plan, request.plan).to_yaml())
    write_text(folder.report_html, render_study(folder.path.name, study))
    return _told(folder, study, clock)


def _settled(found: Plan, asked: Plan) -> Plan:
    """The plan as it was asked for, with the values that won and nothing left to search."""
    values = {name: getattr(found, name) for name in ("model", "training", "preprocess", "balance", "augment")}
    return replace(asked, **values, search=replace(asked.search, strategy="none"))


def _told(folder: RunFolder, study: Study, clock: Clock) -> dict[str, Any]:
    told = study_json(study)
    assert told is not None
    paths = {"study": str(folder.path), "plan": str(folder.best_yaml), "report": str(folder.report_html)}
    return {**told, **paths, "stations": clock.seconds}
