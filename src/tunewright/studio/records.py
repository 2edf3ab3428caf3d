"""What a finished run would have told, from its records: for run folders that an earlier release made."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tunewright.errors import RunError
from tunewright.records import TrainedModel, from_json
from tunewright.runfolder import RunFolder, read_json

Told = dict[str, Any]
FOUND = ("kind", "severity", "columns", "rows_total", "evidence", "remedy")


def told_by_records(folder: RunFolder) -> list[Told]:
    """Findings, the learning curve and the stations, as events without a time; nothing where records are damaged."""
    try:
        return [*_findings(folder), *_curve(folder), *_stations(folder)]
    except (RunError, KeyError, TypeError, ValueError):
        return []


def _findings(folder: RunFolder) -> Iterator[Told]:
    if folder.audit_json.exists():
        found = [{name: one.get(name) for name in FOUND} for one in read_json(folder.audit_json)["findings"]]
        yield _told("audit", "found", findings=found)


def _curve(folder: RunFolder) -> Iterator[Told]:
    if not folder.model_json.exists():
        return
    trained = from_json(TrainedModel, read_json(folder.model_json))
    steps = 0
    total = sum(epoch.updates or 1 for epoch in trained.history if epoch.epoch > 0)
    for epoch in trained.history if total else ():
        steps += (epoch.updates or 1) if epoch.epoch > 0 else 0
        yield _told(
            "train",
            "progress",
            done=steps,
            total=total,
            epoch=epoch.epoch,
            train_loss=epoch.train_loss,
            validation_loss=epoch.validation_loss,
            metric=epoch.metric,
            metric_name=trained.metric,
        )


def _stations(folder: RunFolder) -> Iterator[Told]:
    seconds = read_json(folder.summary_json).get("seconds", {}) if folder.summary_json.exists() else {}
    for name, value in seconds.items() if isinstance(seconds, dict) else ():
        if name not in ("total", "stages"):
            yield _told(name, "done", seconds=value)


def _told(station: str, what: str, **data: Any) -> Told:
    return {"time": "", "station": station, "what": what, "text": "", "data": data}
