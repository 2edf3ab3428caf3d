"""Follow a run folder from outside: what it has told, what is new, and how it stands at this moment."""

from __future__ import annotations

import os
import socket
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tunewright.report.words import visible
from tunewright.runfolder import RunFolder
from tunewright.runfolder.lock import Holder
from tunewright.runfolder.told import Tail
from tunewright.studio.course import Course
from tunewright.studio.records import told_by_records
from tunewright.studio.standing import Standing, standing_of


class Following:
    """One run folder, followed for any number of pages at once.

    Args:
        path: the run folder.
        name: what the pages call it.
    """

    def __init__(self, path: Path, *, name: str) -> None:
        self.path, self.name = path, name
        self._lock = threading.Lock()
        self._tail = Tail(RunFolder(path).progress_jsonl)
        self._course = Course()
        self._beginnings = 0
        self._stamp: tuple[float, ...] | None = None
        self._standing: Standing | None = None

    def news(self, beginning: int, known: int) -> dict[str, Any]:
        """What a page does not know yet.

        Args:
            beginning: which beginning of the run it has followed, as told before; -1 for a page that knows nothing.
            known: how many things it has of that.

        Returns:
            `now` (how the run stands), `things` from the first unknown on, `beginning` and `known` to ask with next;
            where `anew` is true, everything the page has is void.
        """
        with self._lock:
            self._catch_up()
            anew = beginning != self._beginnings
            things = self._course.things[0 if anew else known :]
            told = {"anew": anew, "beginning": self._beginnings, "known": len(self._course.things), "things": things}
            news: dict[str, Any] = seen({**told, "now": self._now()})
            return news

    def _catch_up(self) -> None:
        anew, events = self._tail.new()
        if anew:
            self._course = Course()
            self._beginnings += 1
        self._course.hear_all(events)
        if not self._course.things and self._stands().state == "finished":
            self._course.hear_all(told_by_records(RunFolder(self.path)))

    def _stands(self) -> Standing:
        """How the run stands; read again only where a file of the folder changed or a process works in it."""
        folder = RunFolder(self.path)
        stamp = tuple(_stamp(one) for one in (folder.journal, folder.summary_json, folder.progress_jsonl))
        if self._standing is None or self._standing.holder is not None or stamp != self._stamp:
            self._standing, self._stamp = standing_of(self.path), stamp
        return self._standing

    def _now(self) -> dict[str, Any]:
        stands, course = self._stands(), self._course.now
        running = stands.state == "running"
        shown = ("station", "done", "total", "left") if running else ()
        limit = course.get("memory_gb")
        return {
            "name": self.name,
            "state": stands.state,
            "kind": stands.kind,
            "why": stands.why,
            "began": stands.began,
            "ended": stands.ended,
            **{name: course.get(name) for name in shown},
            "elapsed": _elapsed(course.get("since")) if running else None,
            "memory_mb": _resident(stands.holder, course.get("memory_mb")) if running else None,
            "peak_mb": course.get("peak_mb"),
            "limit_mb": limit * 1000 if isinstance(limit, int | float) else _total(),
            "stoppable": running and stands.holder is not None and stands.holder.host == socket.gethostname(),
            "report": RunFolder(self.path).report_html.exists(),
            "review": RunFolder(self.path).audit_json.exists(),
            **stands.result,
        }


def seen(value: Any) -> Any:
    """The same JSON with every text made visible: what acts instead of showing must not come from a cell."""
    if isinstance(value, dict):
        return {key: seen(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [seen(item) for item in value]
    return visible(value) if isinstance(value, str) else value


def _stamp(path: Path) -> float:
    try:
        about = os.stat(path)
    except OSError:
        return 0.0
    return about.st_mtime_ns + about.st_size


def _elapsed(since: Any) -> float | None:
    """Seconds since a time of the journal."""
    try:
        return float(max(int((datetime.now(UTC) - datetime.fromisoformat(since)).total_seconds()), 0))
    except (TypeError, ValueError):
        return None


def _resident(holder: Holder | None, told: Any) -> Any:
    """Resident memory of the run's process in MB of 1e6 bytes, as it is now; where it is elsewhere, as it was told."""
    import psutil

    if holder is None or holder.host != socket.gethostname() or holder.pid <= 0:
        return told
    try:
        return round(psutil.Process(holder.pid).memory_info().rss / 1e6)
    except psutil.Error:
        return told


def _total() -> float:
    """Memory of this machine in MB."""
    import psutil

    return float(round(psutil.virtual_memory().total / 1e6))
