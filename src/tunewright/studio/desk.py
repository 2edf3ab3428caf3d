"""What can be asked of a folder of runs: the list, one run's news, a stop, a comparison, a review."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tunewright.errors import DataError
from tunewright.metrics import in_words
from tunewright.records import to_json
from tunewright.report import words
from tunewright.runfolder import RunFolder
from tunewright.runfolder.stopping import ask_to_stop
from tunewright.stories.reviewing.one_by_one import SHEET, Review
from tunewright.stories.reviewing.queueing import Item
from tunewright.studio.following import Following, seen
from tunewright.studio.standing import standing_of

Folders = Callable[[], Mapping[str, Path]]
MOST_RUNS = 500


class UnknownRun(LookupError):
    """There is no run of that name here."""


class Desk:
    """Answers what pages ask; of any number of threads.

    Args:
        folders: () to the run folders by name, at this moment.
        single: whether there will never be more than one; the list then leads straight to it.
    """

    def __init__(self, folders: Folders, *, single: bool = False) -> None:
        self._folders, self._single = folders, single
        self._lock = threading.Lock()
        self._followed: dict[str, Following] = {}
        self._reviews: dict[str, Review] = {}
        self._asked: dict[str, str] = {}

    def runs(self) -> dict[str, Any]:
        """The runs, the latest first: name, kind, state, result, when, and whether there is a report."""
        rows = []
        for name, path in self._folders().items():
            stands = standing_of(path)
            row = {"name": name, "kind": stands.kind, "state": stands.state, "why": stands.why, **stands.result}
            row |= {"began": stands.began, "ended": stands.ended, "report": RunFolder(path).report_html.exists()}
            rows.append({**row, "comparable": RunFolder(path).answers.is_dir() and stands.state == "finished"})
        rows.sort(key=lambda row: str(row["began"]), reverse=True)
        told: dict[str, Any] = seen({"runs": rows[:MOST_RUNS], "left_out": max(len(rows) - MOST_RUNS, 0)})
        told["single"] = self._single
        # Names lead back to folders: they go as they are, and the page shows them as text.
        for shown, row in zip(told["runs"], rows, strict=False):
            shown["name"] = row["name"]
        return told

    def follow(self, name: str) -> Following:
        """A run, followed for all pages together.

        Raises:
            UnknownRun: there is none of that name.
        """
        path = self.folder(name)
        with self._lock:
            return self._followed.setdefault(name, Following(path, name=name))

    def folder(self, name: str) -> Path:
        """Where a run lies.

        Raises:
            UnknownRun: there is none of that name.
        """
        folders = self._folders()
        if name not in folders:
            raise UnknownRun(name)
        return folders[name]

    def stop(self, name: str) -> dict[str, Any]:
        """Ask a run to stop where it can be continued; once per sitting, for a second signal would end it at once.

        Raises:
            UnknownRun, RunError: there is none, or nobody works on it.
        """
        from tunewright.runfolder.lock import holder_of

        path = self.folder(name)
        with self._lock:
            holder = holder_of(path)
            sitting = "" if holder is None else f"{holder.pid} {holder.started}"
            if not sitting or self._asked.get(name) != sitting:
                ask_to_stop(path)
                self._asked[name] = sitting
        return {"asked": True}

    def compare(self, a: str, b: str) -> dict[str, Any]:
        """Compare two finished runs on the test rows they share.

        Raises:
            UnknownRun, TunewrightError: there is none of that name, or they cannot be compared.
        """
        from tunewright.stories.judging.comparing import compare_story

        if a == b:
            raise DataError("A comparison needs two runs. Got one twice. Choose another.")
        found = compare_story(self.folder(a), self.folder(b))
        scores = [
            {"metric": in_words(name), "a": words.value(one), "b": words.value(other)}
            for name, (one, other) in found.scores.items()
        ]
        told: dict[str, Any] = seen(
            {
                "a": found.a,
                "b": found.b,
                "metric": in_words(found.metric),
                "text": found.text,
                "verdict": found.verdict,
                "rows": found.rows,
                "p_value": words.p_value(found.p_value),
                "difference": words.value(found.difference),
                "interval": words.interval(found.difference),
                "scores": scores,
            }
        )
        return told

    def review(self, name: str, *, anew: bool = False) -> Review:
        """The review of a run, one for all pages together.

        Args:
            name: of the run.
            anew: read the run and the sheet again.

        Raises:
            UnknownRun, TunewrightError: there is none of that name, or there is nothing to review.
        """
        path = self.folder(name)
        with self._lock:
            if anew or name not in self._reviews:
                self._reviews[name] = Review(path)
            return self._reviews[name]

    def queue(self, name: str) -> dict[str, Any]:
        """Everything that a review page shows: rows, labels, what is decided, and the command that applies it.

        Raises:
            UnknownRun, TunewrightError: as for `review`.
        """
        review = self.review(name, anew=True)
        queue, path = review.queue, self.folder(name)
        items = [_item(item) for item in queue.items.values()]
        shown = seen({"target": queue.target, "path": str(review.path), "command": command(path)})
        # What is chosen comes back as it is in the data.
        asis = {"labels": list(queue.labels), "decided": {row: to_json(one) for row, one in review.decided.items()}}
        return {**shown, **asis, "items": items, "task": queue.task, "left_out": queue.left_out, "who": review.who}


def _item(item: Item) -> dict[str, Any]:
    told: dict[str, Any] = to_json(item)
    told.pop("text")
    labels = {name: told[name] for name in ("given", "suggested", "predicted")}
    return {**seen(told), **labels}


def command(path: Path) -> str:
    """What makes a run again with the corrections of its sheet.

    >>> command(Path("runs/tickets"))
    'tunewright run --plan runs/tickets/plan.yaml --set audit.corrections=runs/tickets/corrections.csv'
    """
    folder = RunFolder(path)
    plan, sheet = shlex.quote(str(folder.plan_yaml)), shlex.quote(f"audit.corrections={path / SHEET}")
    return f"tunewright run --plan {plan} --set {sheet}"


def runs_in(root: Path) -> dict[str, Path]:
    """The run folders in a folder, or the folder itself where it is one, by name.

    >>> runs_in(Path("no/such/folder"))
    {}
    """
    if RunFolder(root).journal.is_file():
        return {root.resolve().name: root}
    try:
        entries = sorted(root.iterdir())
    except OSError:
        return {}
    return {entry.name: entry for entry in entries if RunFolder(entry).journal.is_file()}
