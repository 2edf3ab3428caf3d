"""Any road in a run folder: open it, walk, mark it as finished; interrupted, the same walk continues."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tunewright.data import fingerprint
from tunewright.errors import PlanError
from tunewright.events import Event, Observer, silent, to_all
from tunewright.plan import Plan
from tunewright.remote import is_url
from tunewright.runfolder import Journal, RunFolder, open_run, read_json, write_json
from tunewright.runfolder.context import RunContext
from tunewright.runfolder.place import Place, held
from tunewright.runfolder.told import kept
from tunewright.stories import telling
from tunewright.stories.prepare import Loaded, load_rows


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
