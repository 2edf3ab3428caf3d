"""Where trials run: here, one at a time, or in processes of their own, several at a time.

A process is started once and keeps what trials share. It reports every step over its pipe and is told whether to go on.
One that dies takes nothing along but its trial, which is begun again in a new one, twice at most (`RETRIES`).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from multiprocessing import connection, get_context
from multiprocessing.connection import Connection
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

from tunewright.errors import TrainingError
from tunewright.records import Trial, from_json, to_json
from tunewright.search.attempt import Job, Objective, Steps, Verdict, attempt

if TYPE_CHECKING:
    from multiprocessing.context import SpawnProcess

RETRIES = 2
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "POLARS_MAX_THREADS")
PATIENCE = 5.0  # seconds that a process gets to leave by itself


class Runner(Protocol):
    """Runs up to `capacity` jobs at a time."""

    @property
    def capacity(self) -> int:
        """How many jobs can run at a time."""
        ...

    @property
    def running(self) -> Sequence[Job]:
        """Those that have begun and not ended."""
        ...

    def begin(self, job: Job) -> None:
        """Begin a job; fewer than `capacity` are running."""
        ...

    def finish(self, verdict: Verdict) -> tuple[Job, Trial]:
        """Wait until a job has ended; at least one is running."""
        ...


@dataclass(slots=True, eq=False)
class Here:
    """Runs jobs in this process.

    Args:
        objective: parameters to a score.
    """

    objective: Objective
    capacity: int = 1
    running: list[Job] = field(default_factory=list)

    def begin(self, job: Job) -> None:
        """Put the job down."""
        self.running.append(job)

    def finish(self, verdict: Verdict) -> tuple[Job, Trial]:
        """Run it."""
        job = self.running[0]
        trial = attempt(self.objective, job, verdict)
        self.running.clear()
        return job, trial


@dataclass(slots=True, eq=False)
class _Worker:
    process: SpawnProcess
    pipe: Connection
    job: Job | None = None
    tries: int = 0


@dataclass(slots=True, eq=False)
class Processes:
    """Runs jobs in processes of their own; use it as a context manager, so that none is left behind.

    Args:
        make: makes the objective in a process; must survive pickling.
        capacity: how many processes.
        threads: that each may use.
    """

    make: Callable[[], Objective]
    capacity: int
    threads: int
    _workers: list[_Worker] = field(default_factory=list)

    @property
    def running(self) -> list[Job]:
        """Jobs that have not ended."""
        return [one.job for one in self._workers if one.job is not None]

    def begin(self, job: Job) -> None:
        """Hand the job to a process that has none, or to a new one."""
        free = next((one for one in self._workers if one.job is None), None) or self._start()
        self._hand(free, replace(job, begun=time.monotonic()), tries=0)

    def finish(self, verdict: Verdict) -> tuple[Job, Trial]:
        """Answer what the processes report until one has ended its job, or has died with it too often."""
        while True:
            busy = {one.pipe: one for one in self._workers if one.job is not None}
            for pipe in connection.wait(list(busy)):
                ended = self._hear(busy[pipe], verdict)  # type: ignore[index]
                if ended is not None:
                    return ended

    def __enter__(self) -> Processes:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for one in self._workers:
            one.pipe.close()  # one that waits leaves by itself
            if one.job is not None:
                one.process.terminate()
        for one in self._workers:
            one.process.join(PATIENCE)
            if one.process.is_alive():
                one.process.kill()
                one.process.join()
        self._workers.clear()

    def _start(self) -> _Worker:
        context = get_context("spawn")
        ours, theirs = context.Pipe()
        process = context.Process(target=_work, args=(theirs, self.threads), daemon=True)
        process.start()
        theirs.close()  # ours ends when theirs does
        worker = _Worker(process, ours)
        self._workers.append(worker)
        # Not among the arguments: these would be unpickled, and torch imported, before the threads are settled.
        self._send(worker, self.make)
        return worker

    def _hand(self, worker: _Worker, job: Job, *, tries: int) -> None:
        worker.job, worker.tries = job, tries
        self._send(worker, job)

    @staticmethod
    def _send(worker: _Worker, value: Any) -> None:
        with suppress(BrokenPipeError, ConnectionResetError):  # it is dead, which `finish` finds out
            worker.pipe.send(value)

    def _hear(self, worker: _Worker, verdict: Verdict) -> tuple[Job, Trial] | None:
        job = worker.job
        assert job is not None
        try:
            said, value = worker.pipe.recv()
        except (EOFError, ConnectionResetError):
            return self._bury(worker, job)
        if said == "steps":
            self._send(worker, verdict(job, [(epoch, score) for epoch, score in value]))
            return None
        if said == "broken":
            raise TrainingError(f"A search's process must be able to run trials. One could not: {value}")
        worker.job = None
        return job, replace(from_json(Trial, value), seconds=since(job))

    def _bury(self, worker: _Worker, job: Job) -> tuple[Job, Trial] | None:
        """A process has died: its job goes to a new one, or has failed."""
        worker.process.join()
        worker.pipe.close()
        self._workers.remove(worker)
        if worker.tries < RETRIES:
            self._hand(self._start(), job, tries=worker.tries + 1)
            return None
        code = worker.process.exitcode or 0
        how = f"signal {-code}" if code < 0 else f"exit code {code}"
        return job, failed(job, f"Its process died {RETRIES + 1} times, at last with {how}; memory may have run out.")


def failed(job: Job, why: str) -> Trial:
    """The record of a job that came to nothing."""
    params = {name: float(value) if isinstance(value, int) else value for name, value in job.params.items()}
    return Trial(number=job.number, params=params, score=None, seconds=since(job), state="failed", why=why)


def since(job: Job) -> float:
    """What a job has cost: proposing it, starting a process for it, tries that died."""
    return round(job.thought + time.monotonic() - job.begun, 3)


def _work(pipe: Connection, threads: int) -> None:
    """What a process does: make the objective once, then run jobs until the pipe ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the search, which ends this one
    os.environ |= dict.fromkeys(THREADS, str(threads))

    def ask(job: Job, steps: Steps) -> str:
        pipe.send(("steps", list(steps)))
        return str(pipe.recv())

    try:
        objective = pipe.recv()()
        while True:
            job = pipe.recv()
            pipe.send(("done", to_json(attempt(objective, job, ask))))
    except (EOFError, BrokenPipeError, ConnectionResetError):
        return  # the search has ended
    except Exception as error:
        pipe.send(("broken", f"{type(error).__name__}: {error}"))
