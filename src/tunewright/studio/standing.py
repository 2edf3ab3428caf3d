"""How a run folder stands: running, finished, failed or interrupted; since when, and with what result."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tunewright.errors import RunError
from tunewright.metrics import in_words
from tunewright.records import Score
from tunewright.report import words
from tunewright.runfolder import RunFolder, read_entries, read_json
from tunewright.runfolder.lock import Holder, holder_of
from tunewright.runfolder.told import last_told

State = Literal["running", "finished", "failed", "interrupted"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a run stands.

    Args:
        state: running as long as a process holds the folder.
        kind: a run, or what `tune` searched (known once it has ended).
        holder: the process, where one works.
        began: when it was first opened (UTC, ISO 8601), "" where the journal cannot be read.
        ended: when its journal was last written.
        why: what went wrong, of a failed one.
        result: verdict, metric and score of a finished one; see `result_of`.
    """

    state: State
    kind: Literal["run", "search"]
    holder: Holder | None
    began: str
    ended: str
    why: str
    result: Mapping[str, Any]


def standing_of(path: Path) -> Standing:
    """Look at a run folder; nothing is changed, and a damaged file is only said to be so."""
    folder, holder = RunFolder(path), holder_of(path)
    try:
        entries = read_entries(folder.journal)
    except RunError as damaged:
        return Standing(
            state="failed" if holder is None else "running",
            kind="run",
            holder=holder,
            began="",
            ended="",
            why=str(damaged),
            result={},
        )
    finished = any(entry.event == "finished" for entry in entries)
    last = None if finished or holder else last_told(folder.progress_jsonl)
    failed = last is not None and last["what"] == "failed"
    idle: State = "finished" if finished else "failed" if failed else "interrupted"
    return Standing(
        state="running" if holder is not None else idle,
        kind="search" if folder.best_yaml.exists() else "run",
        holder=holder,
        began=entries[0].time if entries else "",
        ended=entries[-1].time if entries else "",
        why=last["text"] if failed and last is not None else "",
        result=result_of(folder) if finished else {},
    )


def result_of(folder: RunFolder) -> dict[str, Any]:
    """What came of a finished run, in words, as far as its summary can be read.

    Returns:
        Of a run `verdict`, `objective`, `metric`, `value`, `interval`, `rows`; of a search `metric`, `value`.
    """
    try:
        summary = read_json(folder.summary_json)
        return _of_search(summary) if "best" in summary else _of_run(summary)
    except (RunError, KeyError, TypeError, ValueError, AttributeError):
        return {}


def _of_run(summary: Mapping[str, Any]) -> dict[str, Any]:
    name = str(summary["metric"])
    raw = summary["metrics"]["test"].get(name)
    told = {
        "verdict": str(summary["verdict"]["text"]),
        "objective": str(summary["verdict"]["objective"]),
        "metric": in_words(name),
    }
    if raw is None:
        return told
    numbers = {key: math.nan if raw[key] is None else float(raw[key]) for key in ("value", "low", "high")}
    score = Score(**numbers, n=int(raw["n"]))
    return {**told, "value": words.value(score), "interval": words.interval(score), "rows": score.n}


def _of_search(summary: Mapping[str, Any]) -> dict[str, Any]:
    params = ", ".join(f"{name} {words.plain(value)}" for name, value in summary["best"]["params"].items())
    return {
        "metric": f"{in_words(str(summary['metric']))} on validation",
        "value": f"{float(summary['best']['score']):.4g}",
        "verdict": f"Best of {len(summary['trials'])} trials: {params}.",
    }
