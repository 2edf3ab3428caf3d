"""Trackers behind `events.observe`: a log for each is opened when the run is, fed now and then, and always closed."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunewright.errors import PlanError, RunError
from tunewright.events import Event, Observer, silent
from tunewright.trackers.base import Log, Measure, Opening, Status, Tracker, check
from tunewright.trackers.measuring import Measuring, final_scores, flat
from tunewright.trackers.table import TRACKERS

PAUSE = 2.0  # seconds between two writes of measures


@dataclass(slots=True)
class Followed:
    """One tracker at work: its log, and why it was given up, if it was."""

    tracker: Tracker
    log: Log
    why: str = ""


@dataclass(slots=True)
class Following:
    """An observer that passes on what a run measures.

    A log that cannot be opened ends the run before it begins. One that fails later is given up and told of at the end:
    hours of training are worth more than a line in a log.

    Args:
        trackers: to feed.
        parameters: the plan.
    """

    trackers: Sequence[Tracker]
    parameters: Mapping[str, Any]
    logs: list[Followed] = field(default_factory=list)
    scores: dict[str, float] = field(default_factory=dict)
    _measuring: Measuring = field(default_factory=Measuring)
    _waiting: list[Measure] = field(default_factory=list)
    _last: float = 0.0

    def __call__(self, event: Event) -> None:
        """Hear an event."""
        if event.station == "run" and event.what == "opened" and not event.data.get("finished"):
            self._open(event.data)
        if event.station == "run" and event.what == "finished":
            self.scores = final_scores(event.data)
        self._waiting += self._measuring.measures(event)
        now = time.monotonic()
        if self._waiting and now - self._last >= PAUSE:
            self._last = now
            self._flush()

    def close(self, status: Status) -> None:
        """Write what is left and close every log."""
        self._flush()
        for followed in self.logs:
            self._try(followed, lambda log: log.close(status, self.scores))

    def problems(self) -> list[str]:
        """What each tracker that was given up said."""
        return [f"{one.tracker.kind}: {one.why}" for one in self.logs if one.why]

    def _open(self, data: Mapping[str, Any]) -> None:
        folder = Path(data["folder"])
        run = Opening(id=data["id"], name=folder.name, folder=folder, parameters=flat(self.parameters))
        for tracker in self.trackers:
            try:
                log = tracker.begin(run)
            except Exception as error:
                raise RunError(
                    f"The tracker {tracker.kind} must be able to write its log. Got: {error}. "
                    f"Mend that, or leave --track {tracker.kind} out."
                ) from error
            self.logs.append(Followed(tracker=tracker, log=log))

    def _flush(self) -> None:
        measures, self._waiting = self._waiting, []
        for followed in self.logs if measures else ():
            self._try(followed, lambda log: log.measured(measures))

    def _try(self, followed: Followed, do: Any) -> None:
        if followed.why:
            return
        try:
            do(followed.log)
        except Exception as error:
            followed.why = f"{type(error).__name__}: {error}"


@contextmanager
def tracking(names: Sequence[str], *, parameters: Mapping[str, Any], on: str | None = None) -> Iterator[Observer]:
    """An observer that feeds the named trackers; their logs are closed when the block ends, however it does.

    Args:
        names: of trackers, from `TRACKERS`.
        parameters: the plan as JSON.
        on: the cluster that the run goes to, where no tracker of this machine can follow.

    Raises:
        PlanError: an unknown name, a cluster, or the environment sends a tracker to a server.
        MissingExtra: a package is not installed.
        RunError: a log cannot be opened; or, once the run has ended well, one could not be kept up.
    """
    chosen = [_named(name) for name in dict.fromkeys(names)]
    if not chosen:
        yield silent
        return
    if on is not None:
        raise PlanError(f"Trackers follow what runs on this machine. Got {on}. Leave the trackers or the cluster out.")
    for tracker in chosen:
        check(tracker)
    following = Following(chosen, parameters)
    try:
        yield following
    except Exception:
        following.close("failed")
        raise
    except BaseException:
        following.close("stopped")
        raise
    following.close("finished")
    if problems := following.problems():
        raise RunError(
            f"The run is finished and whole in its folder, but not all of it was tracked. {'; '.join(problems)}."
        )


def _named(name: str) -> Tracker:
    found = next((one for one in TRACKERS if one.kind == name.strip().lower()), None)
    if found is None:
        known = ", ".join(one.kind for one in TRACKERS)
        raise PlanError(f"--track must be one of {known}. Got {name[:40]!r}. Write one of them, or leave it out.")
    return found
