"""A run on a node of a cluster: what goes there, what happens there, what comes back."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import Empty, Queue
from typing import Any, Literal

from tunewright.errors import TunewrightError
from tunewright.events import Event
from tunewright.plan import Plan
from tunewright.version import __version__

MOMENT = 0.5  # seconds that an answer waits for something to tell


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to be done.

    Args:
        plan: the resolved plan.
        loaded: the rows, as read here; None: the node reads them from their URLs.
        out: the run folder: a name in the node's working directory, or a URL.
        fresh: start over.
        files: content by name of what the plan names, and of the run so far.
        looks: what the ledger of looks holds here.
        version: our release.
    """

    plan: Plan
    loaded: Any
    out: str
    fresh: bool
    files: Mapping[str, bytes]
    looks: Sequence[tuple[str, str]]
    version: str = __version__


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What came of it.

    Args:
        how: told, raised, or stopped as asked.
        summary: the run's, where it was told.
        error: where it was raised.
        files: content by name of the run folder, where it is not at a URL.
        looks: what came into the ledger of looks there.
    """

    how: Literal["told", "raised", "stopped"]
    summary: dict[str, Any] = field(default_factory=dict)
    error: Exception | None = None
    files: Mapping[str, bytes] = field(default_factory=dict)
    looks: Sequence[tuple[str, str]] = ()


class Stopped(BaseException):
    """Left between two events, as asked."""


class Errand:
    """What runs on the cluster: begins a run and answers what is new."""

    def __init__(self) -> None:
        self.signal: int | None = None
        self.training = False
        self.said: Queue[Event | End] = Queue()

    def begin(self, order: Order) -> str:
        """Begin, and say which release does it."""
        if order.version == __version__:
            threading.Thread(target=self._run, args=(order,), daemon=True).start()
        return __version__

    def hear(self) -> list[Event | End]:
        """What is new, within a moment; an `End` is the last."""
        new: list[Event | End] = []
        try:
            new.append(self.said.get(timeout=MOMENT))
            while True:
                new.append(self.said.get_nowait())
        except Empty:
            return new

    def stop(self, number: int) -> None:
        """Ask for the run to be left where it can be continued."""
        self.signal = number

    def observe(self, event: Event) -> None:
        """Pass an event on; leave once that was asked for, but in the training loop, which saves a checkpoint first."""
        self.said.put(event)
        self.training = event.station == "train" and event.what == "progress"
        if self.signal is not None and not self.training:
            raise Stopped

    def _run(self, order: Order) -> None:
        from tunewright.remote import is_url
        from tunewright.remote.workplace import Workplace
        from tunewright.seal import looks

        workplace, before = Workplace(order.files), set(looks())
        end = self._end(order)
        try:
            files = {} if is_url(order.out) else content(workplace.path / order.out)
            new = [one for one in looks() if one not in before]
            self.said.put(replace(end, files=files, looks=new))
        finally:
            workplace.leave()

    def _end(self, order: Order) -> End:
        from tunewright.remote import place
        from tunewright.seal import add_looks
        from tunewright.stories.run import run_story
        from tunewright.stories.walk import Request

        try:
            add_looks(order.looks)
            request = Request(
                plan=order.plan,
                source=order.loaded,
                out=place(order.out),
                fresh=order.fresh,
                observe=self.observe,
                stop=lambda: self.signal,
            )
            return End(how="told", summary=run_story(request)[1])
        except TunewrightError as error:
            return End(how="raised", error=error)
        except BaseException as error:  # a thread must say how it ended, whatever that was
            if self.signal is not None:
                return End(how="stopped")
            return End(how="raised", error=RuntimeError(f"{type(error).__name__}: {error}"))


def content(folder: Path) -> dict[str, bytes]:
    """Files of a run folder by name; what is being written is left out."""
    found = {}
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        name = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in name.parts):
            found[name.as_posix()] = path.read_bytes()
    return found
