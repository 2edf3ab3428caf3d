"""Progress on standard error: one live display on a terminal, plain lines elsewhere, nothing with --quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tunewright.events import Event, Observer, silent

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

LINE_EVERY = 5.0
SHORT = (("train_loss", "loss"), ("validation_loss", "validation"), ("metric", "metric"))
SHOWN = (("train_loss", "train loss"), ("validation_loss", "validation loss"), ("metric", "validation metric"))


@contextmanager
def shown(*, quiet: bool) -> Iterator[Observer]:
    """Give an observer that shows events; the live display ends with the block."""
    if quiet:
        yield silent
    elif sys.stderr.isatty():
        with LiveProgress() as live:
            yield live
    else:
        yield PlainProgress()


class PlainProgress:
    """Lines: every note and every closed station, progress at most once in five seconds per station."""

    def __init__(self) -> None:
        self.started = time.monotonic()
        self.last: dict[str, float] = {}

    def __call__(self, event: Event) -> None:
        """Hear an event."""
        now = time.monotonic()
        if event.what == "progress":
            if now - self.last.get(event.station, self.started) < LINE_EVERY:
                return
            self.last[event.station] = now
        text = sentence(event)
        if text:
            print(f"{now - self.started:6.0f} s  {event.station:<9}  {text}", file=sys.stderr, flush=True)


class LiveProgress:
    """One line that moves (station, bar, losses, metric, time left) under the notes that were made."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn

        self.progress: Progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=10),
            TaskProgressColumn(),
            TextColumn("{task.fields[detail]}", markup=False),
            console=Console(stderr=True, highlight=False),
            redirect_stdout=False,
            transient=True,
        )
        self.task: TaskID = self.progress.add_task("reading", total=None, detail="")

    def __enter__(self) -> LiveProgress:
        self.progress.start()
        return self

    def __exit__(self, *problem: object) -> None:
        self.progress.stop()

    def __call__(self, event: Event) -> None:
        """Hear an event."""
        if event.what == "progress":
            self.progress.update(
                self.task,
                description=event.station,
                completed=event.data.get("done", 0),
                total=event.data.get("total"),
                detail=details(event.data, SHORT),  # fits into 80 columns
            )
            return
        self.progress.update(self.task, description=event.station, completed=0, total=None, detail="")
        text = sentence(event)
        if text:
            self.progress.console.print(f"{event.station:<9}  {text}", markup=False, soft_wrap=True)


def sentence(event: Event) -> str:
    """Put an event in words; empty where there is nothing to say.

    >>> sentence(Event(station="audit", what="done", data={"seconds": 0.3}))
    'done in 0.30 s'
    >>> sentence(Event(station="train", what="progress", data={"done": 1, "total": 4, "train_loss": 0.5}))
    '25 %, train loss 0.500'
    """
    from tunewright.report.words import seconds, visible

    if event.what == "progress":
        share = f"{100 * event.data.get('done', 0) / max(event.data.get('total') or 1, 1):.0f} %"
        return ", ".join(part for part in (share, details(event.data)) if part)
    if event.what == "done" and "seconds" in event.data:
        return f"done in {seconds(event.data['seconds'])}"
    return visible(event.text).replace("\n", " ")


def details(data: Any, names: Sequence[tuple[str, str]] = SHOWN) -> str:
    """Losses, metric and time left of a progress event, as far as it has them.

    >>> details({"metric": 0.91234, "seconds_left": 65})
    'validation metric 0.912, 1 min 5 s left'
    """
    from tunewright.report.words import seconds
    from tunewright.stats import figure

    parts = [f"{words} {figure(data[name])}" for name, words in names if isinstance(data.get(name), int | float)]
    left = data.get("seconds_left")
    if isinstance(left, int | float) and left > 0:
        parts.append(f"{seconds(left)} left")
    return ", ".join(parts)
