"""The report, from what a run folder holds: written so at the end of a run, and again whenever it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tunewright.errors import RunError
from tunewright.plan import read_plan
from tunewright.records import (
    Analysis,
    Energy,
    Evaluation,
    Explanation,
    Finding,
    Improvement,
    RemedyTrial,
    Repair,
    Split,
    Study,
    Table,
    TrainedModel,
    from_json,
)
from tunewright.report import ReportData, render
from tunewright.report.study import render_study
from tunewright.runfolder import RunFolder, RunLock, read_json, write_text


def rebuild_report(path: Path) -> Path:
    """Render the report of a finished run again and return where it is.

    Raises:
        RunError: not a run folder, not finished, in use, or a file in it is damaged.
    """
    folder = RunFolder(path)
    if not folder.journal.is_file():
        raise RunError(f"A report needs the folder of a run. {path} is none. Give a folder such as runs/NAME.")
    if not folder.finished:
        raise RunError(
            f"A report needs a finished run. {path} is not. The command that started it continues it to the end."
        )
    with RunLock(path):
        if folder.best_yaml.exists():
            write_text(folder.report_html, render_study(path.name, from_json(Study, read_json(folder.study_json))))
        else:
            write_report(folder, read_json(folder.summary_json))
    return folder.report_html


def write_report(folder: RunFolder, summary: Mapping[str, Any]) -> None:
    """Render the report from the run folder's files and the run's summary."""
    audit = read_json(folder.audit_json)
    seconds = {name: value for name, value in summary["seconds"].items() if name != "stages"}
    page = render(
        ReportData(
            run=folder.path.name,
            plan_yaml=folder.plan_yaml.read_text("utf-8"),
            table=from_json(Table, audit["table"]),
            split=from_json(Split, read_json(folder.split_json)),
            findings=tuple(from_json(Finding, finding) for finding in audit["findings"]),
            improvement=_improvement(folder),
            study=from_json(Study, read_json(folder.study_json)) if folder.study_json.exists() else None,
            repairs=tuple(from_json(Repair, repair) for repair in audit.get("repairs", ())),
            remedies=tuple(from_json(RemedyTrial, trial) for trial in audit["remedies"]),
            trained=from_json(TrainedModel, read_json(folder.model_json)),
            evaluation=from_json(Evaluation, read_json(folder.evaluation_json)),
            analysis=from_json(Analysis, read_json(folder.analysis_json)),
            explanation=_explanation(folder),
            energy=from_json(Energy, summary["energy"]) if summary.get("energy") else None,
            versions=summary["versions"],
            digests=summary["digests"],
            seconds=seconds,
            notes=tuple(summary["notes"]),
            examples=read_plan(folder.plan_yaml).report.examples,
        )
    )
    write_text(folder.report_html, page)


def _improvement(folder: RunFolder) -> Improvement | None:
    path = folder.improvement_json
    return from_json(Improvement, read_json(path)) if path.exists() else None


def _explanation(folder: RunFolder) -> Explanation | None:
    """Runs of earlier releases have none."""
    path = folder.explanation_json
    return from_json(Explanation, read_json(path)) if path.exists() else None
