"""Trials on a Ray cluster: each in a process of its own somewhere, with a working directory that nobody shares.

A seat is an actor that makes the objective once and then answers one message at a time: it is sent a job or a verdict,
and says what happened next. One that dies takes nothing along but its trial, which is begun again in a new seat, on
whatever node has room, twice at most (`RETRIES`).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from queue import Queue
from types import TracebackType
from typing import Any

from tunewright.errors import RunError, TrainingError
from tunewright.records import Trial, from_json, to_json
from tunewright.remote.cluster import Room
from tunewright.search.attempt import Job, Objective, Steps, Verdict, attempt
from tunewright.search.runners import RETRIES, THREADS, failed, since
from tunewright.version import __version__

LOOK = 1.0  # seconds between two looks at the time while nobody reports
WAIT = 300.0  # seconds that a new seat may wait for a node with room
PATIENCE = 5.0  # seconds that a seat gets to tidy up


class Seat:
    """What runs on the cluster.

    Args:
        threads: that the number libraries may use.
        files: content by name, laid out in the working directory.
    """

    def __init__(self, threads: int, files: Mapping[str, bytes]) -> None:
        from tunewright.remote.workplace import Workplace

        os.environ |= dict.fromkeys(THREADS, str(threads))
        self.workplace = Workplace(files)
        self.inbox: Queue[Any] = Queue()
        self.outbox: Queue[tuple[str, Any]] = Queue()
        threading.Thread(target=self._work, daemon=True).start()

    def exchange(self, message: Any) -> tuple[str, Any]:
        """Hand over a message and wait for what is said next."""
        self.inbox.put(message)
        return self.outbox.get()

    def leave(self) -> None:
        """Tidy up."""
        self.workplace.leave()

    def _work(self) -> None:
        try:
            (made,) = self.inbox.get()
            objective: Objective = _unpacked(made)()
            self.outbox.put(("made", {"version": __version__, "pid": os.getpid(), "cwd": os.getcwd()}))
            while True:
                job = self.inbox.get()
                self.outbox.put(("done", to_json(attempt(objective, job, self._ask))))
        except Exception as error:
            self.outbox.put(("broken", f"{type(error).__name__}: {error}"))

    def _ask(self, job: Job, steps: Steps) -> str:
        self.outbox.put(("steps", list(steps)))
        return str(self.inbox.get())


def _unpacked(reference: Any) -> Callable[[], Objective]:
    """Fetched only now: torch must not be imported before the number of threads is settled."""
    import ray

    return ray.get(reference)  # type: ignore[no-any-return]


@dataclass(slots=True, eq=False)
class _Taken:
    """A seat as the search sees it."""

    actor: Any
    said: Any
    since: float
    made: bool = False
    job: Job | None = None
    tries: int = 0


@dataclass(slots=True, eq=False)
class OnRay:
    """Runs jobs on a cluster; use it as a context manager, so that none is left behind.

    Args:
        ray: the module, connected.
        make: makes the objective in another process; must survive Ray's transport.
        capacity: how many seats.
        room: what each gets.
        files: what `make` reads by relative path, content by name.
    """

    ray: Any
    make: Callable[[], Objective]
    capacity: int
    room: Room
    files: Mapping[str, bytes] = field(default_factory=dict)
    _seats: list[_Taken] = field(default_factory=list)
    _sent: Any = None

    @property
    def running(self) -> list[Job]:
        """Jobs that have not ended."""
        return [one.job for one in self._seats if one.job is not None]

    def begin(self, job: Job) -> None:
        """Hand the job to a seat that has none, or to a new one."""
        begun = replace(job, begun=time.monotonic())
        free = next((one for one in self._seats if one.job is None), None)
        if free is None:
            self._start(begun, tries=0)
        else:
            free.job, free.tries, free.said = begun, 0, free.actor.exchange.remote(begun)

    def finish(self, verdict: Verdict) -> tuple[Job, Trial]:
        """Answer what the seats report until one has ended its job, or has died with it too often."""
        while True:
            busy = {one.said: one for one in self._seats if one.job is not None}
            for said in self.ray.wait(list(busy), num_returns=1, timeout=LOOK)[0]:
                ended = self._hear(busy[said], verdict)
                if ended is not None:
                    return ended
            for one in list(self._seats):
                ended = self._given_up(one, verdict)
                if ended is not None:
                    return ended

    def __enter__(self) -> OnRay:
        # Once for all seats, together with what it reads.
        self._sent = self.ray.put(self.make), self.ray.put(dict(self.files))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        idle = [one.actor.leave.remote() for one in self._seats if one.job is None and one.made]
        with suppress(Exception):  # whatever is wrong with the cluster, the seats are given up
            if idle:
                self.ray.wait(idle, num_returns=len(idle), timeout=PATIENCE)
        for one in self._seats:
            self._kill(one)
        self._seats.clear()

    def _start(self, job: Job, *, tries: int) -> None:
        make, files = self._sent
        wanted = {"num_cpus": self.room.cpus, "num_gpus": self.room.gpus, "max_restarts": 0}
        actor = self.ray.remote(Seat).options(**wanted).remote(self.room.cpus, files)
        # In a tuple, so that it is fetched by the seat and not before.
        said = actor.exchange.remote((make,))
        self._seats.append(_Taken(actor, said, time.monotonic(), job=job, tries=tries))

    def _kill(self, seat: _Taken) -> None:
        with suppress(Exception):  # it may be dead already
            self.ray.kill(seat.actor, no_restart=True)

    def _hear(self, seat: _Taken, verdict: Verdict) -> tuple[Job, Trial] | None:
        job = seat.job
        assert job is not None
        try:
            said, value = self.ray.get(seat.said)
        except self.ray.exceptions.RayTaskError as error:
            raise TrainingError(f"A seat on the cluster must be able to run trials. One could not: {error}") from error
        except self.ray.exceptions.RayError as error:
            return self._bury(seat, job, type(error).__name__)
        if said == "broken":
            raise TrainingError(f"A seat on the cluster must be able to run trials. One could not: {value}")
        if said == "done":
            seat.job = None
            return job, replace(from_json(Trial, value), seconds=since(job))
        if said == "made":
            _same_release(value["version"])
            seat.made = True
        answer = job if said == "made" else verdict(job, [(epoch, score) for epoch, score in value])
        seat.said = seat.actor.exchange.remote(answer)
        return None

    def _bury(self, seat: _Taken, job: Job, how: str) -> tuple[Job, Trial] | None:
        """A seat has died: its job goes to a new one, or has failed."""
        self._kill(seat)
        self._seats.remove(seat)
        if seat.tries < RETRIES:
            self._start(job, tries=seat.tries + 1)
            return None
        why = f"Its process on the cluster died {RETRIES + 1} times, at last with {how}; memory may have run out."
        return job, failed(job, why)

    def _given_up(self, seat: _Taken, verdict: Verdict) -> tuple[Job, Trial] | None:
        """A seat that never got a node: the time budget ends it, or patience does."""
        job = seat.job
        if job is None or seat.made:
            return None
        state = verdict(job, ())
        waited = time.monotonic() - seat.since
        if not state and waited < WAIT:
            return None
        self._kill(seat)
        self._seats.remove(seat)
        if state:
            return job, replace(failed(job, ""), state="stopped")
        need = f"{self.room.cpus} free CPUs" + (f" and {self.room.gpus:g} of a GPU" if self.room.gpus else "")
        return job, failed(job, f"No node of the cluster had {need} within {WAIT / 60:g} minutes.")


def _same_release(there: str) -> None:
    if there != __version__:
        raise RunError(
            f"A cluster must run the release that is here. Here is {__version__}, there {there}. "
            "Install the same on every node."
        )
