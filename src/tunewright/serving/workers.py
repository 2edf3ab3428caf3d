"""Several processes behind one socket: each has its own copy of the models, and the kernel deals out connections."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import FrameType

STEP = 0.05  # seconds between looks at the processes
PATIENCE = 1.0  # seconds before one that has died is begun again; doubled each time it dies soon, up to `LONGEST`
LONGEST = 60.0
SOON = 30.0


@dataclass(slots=True)
class _Worker:
    """One process and how often it has died."""

    number: int
    process: subprocess.Popen[bytes]
    begun: float
    patience: float = PATIENCE
    again: float | None = None  # when it is begun again


@dataclass(slots=True)
class Workers:
    """Starts processes, begins again those that die, hands signals on.

    Args:
        command: of one process; its socket and number are added.
        count: of processes.
        listening: what they all listen at.
        say: hears of deaths.
        environment: of the processes, beside ours.
        buried: hears the id of each process that has died.
    """

    command: Sequence[str]
    count: int
    listening: socket.socket
    say: Callable[[str], None]
    environment: dict[str, str] = field(default_factory=dict)
    buried: Callable[[int], None] = lambda process: None
    _stopped: int | None = None
    _workers: list[_Worker] = field(default_factory=list)

    def run(self, seconds: float) -> tuple[int | None, bool]:
        """Run until SIGTERM or SIGINT, then let all end.

        Args:
            seconds: that they get to end; a process that takes longer is killed.

        Returns:
            The signal, and whether every process ended well.
        """
        handlers = {
            number: signal.signal(number, self._receive) for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
        }
        try:
            self._workers = [_Worker(n, self._start(n), time.monotonic()) for n in range(1, self.count + 1)]
            while self._stopped is None:
                self._look()
                time.sleep(STEP)
            return self._stopped, self._end(seconds)
        finally:
            for number, handler in handlers.items():
                signal.signal(number, handler)

    def _start(self, number: int) -> subprocess.Popen[bytes]:
        place = self.listening.fileno()
        command = [*self.command, "--fd", str(place), "--worker", str(number)]
        # A group of its own: Ctrl-C on a terminal reaches us, and we hand it on once.
        return subprocess.Popen(
            command, pass_fds=[place], env=os.environ | self.environment, stdout=sys.stderr, start_new_session=True
        )

    def _look(self) -> None:
        now = time.monotonic()
        for worker in self._workers:
            if worker.again is not None:
                if now >= worker.again:
                    worker.process, worker.begun, worker.again = self._start(worker.number), now, None
                continue
            code = worker.process.poll()
            if code is None:
                continue
            self.buried(worker.process.pid)
            worker.patience = min(worker.patience * 2, LONGEST) if now - worker.begun < SOON else PATIENCE
            worker.again = now + worker.patience
            self.say(f"Worker {worker.number} ended with {code}. It is begun again in {worker.patience:g} s.")

    def _receive(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            self._hand_on(number)
        elif self._stopped is None:
            self._stopped = number
        else:
            self._hand_on(signal.SIGKILL)
            os._exit(128 + number)

    def _hand_on(self, number: int) -> None:
        for worker in self._workers:
            if worker.process.poll() is None:
                worker.process.send_signal(number)

    def _end(self, seconds: float) -> bool:
        self._hand_on(signal.SIGTERM)
        end = time.monotonic() + seconds
        codes = []
        for worker in self._workers:
            try:
                codes.append(worker.process.wait(max(end - time.monotonic(), 0.1)))
            except subprocess.TimeoutExpired:
                worker.process.kill()
                codes.append(worker.process.wait())
        # One that had died before and waited to be begun again has lost nothing now.
        waiting = [worker.again is not None for worker in self._workers]
        return all(code == 0 or late for code, late in zip(codes, waiting, strict=True))
