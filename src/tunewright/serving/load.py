"""Open-loop load: requests are sent when they are due, whether or not earlier ones were answered.

A client that waits for an answer before it asks again hides the queue: when the server is slow it asks less. Here every
request has its time, drawn beforehand as people come (a Poisson process), and its latency counts from then.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle

MOST = 512  # connections; where all are in use, a request waits for one, and that counts
PATIENCE = 30.0  # seconds for an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """One request.

    Args:
        due: when it was to be sent, in seconds from the start.
        status: of the answer; 0 where none came.
        seconds: from then to the answer.
    """

    due: float
    status: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Where requests go.

    Args:
        host: of the server.
        port: of the server.
        path: of the request.
    """

    host: str
    port: int
    path: str = "/predict"

    def request(self, body: bytes) -> bytes:
        """A whole request."""
        head = (
            f"POST {self.path} HTTP/1.1\r\nHost: {self.host}:{self.port}\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body


class _Wire(asyncio.Protocol):
    """One connection with one request on it at a time; it looks at the status and the length, and at nothing else."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.answer: asyncio.Future[int] | None = None
        self._said = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self.answer is not None and not self.answer.done():
            self.answer.set_result(0)

    def data_received(self, data: bytes) -> None:
        self._said += data
        head = self._said.find(b"\r\n\r\n")
        if head < 0 or self.answer is None:
            return
        length = 0
        for line in bytes(self._said[:head]).lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                length = int(line[15:])
        if len(self._said) >= head + 4 + length:
            status = int(self._said[9:12])
            self._said.clear()
            if not self.answer.done():
                self.answer.set_result(status)

    async def ask(self, data: bytes) -> int:
        """Send a request and wait for the status of its answer."""
        if self.transport is None:
            return 0
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(data)
        try:
            return await asyncio.wait_for(self.answer, PATIENCE)
        except TimeoutError:
            self.transport.abort()
            return 0


class _Wires:
    """Connections that are kept."""

    def __init__(self, target: Target, most: int = MOST) -> None:
        self._target = target
        self._free: list[_Wire] = []
        self._room = asyncio.Semaphore(most)

    async def ask(self, data: bytes) -> int:
        """Send a request over a free connection, or a new one."""
        async with self._room:
            wire = next(self._open(), None)
            if wire is None:
                try:
                    _, wire = await asyncio.get_running_loop().create_connection(
                        _Wire, self._target.host, self._target.port
                    )
                except OSError:
                    return 0
            status = await wire.ask(data)
            if wire.transport is not None:
                self._free.append(wire)
            return status

    def _open(self) -> Iterator[_Wire]:
        while self._free:
            wire = self._free.pop()
            if wire.transport is not None and not wire.transport.is_closing():
                yield wire

    def close(self) -> None:
        """Close all."""
        for wire in self._free:
            if wire.transport is not None:
                wire.transport.abort()


def arrivals(rate: float, seconds: float, *, seed: int) -> list[float]:
    """When requests come, in seconds from the start: a Poisson process of `rate` per second.

    >>> times = arrivals(100.0, 50.0, seed=0)
    >>> 4700 < len(times) < 5300, times == sorted(times), times[-1] < 50
    (True, True, True)
    """
    draw, at, times = random.Random(seed), 0.0, []
    while (at := at + draw.expovariate(rate)) < seconds:
        times.append(at)
    return times


async def offer(target: Target, bodies: Sequence[bytes], rate: float, seconds: float, *, seed: int = 0) -> list[Sent]:
    """Send requests at a rate, each at its time, and wait for all answers.

    Args:
        target: where to.
        bodies: taken in turn.
        rate: requests per second.
        seconds: for how long.
        seed: of the times.
    """
    wires, sent = _Wires(target), []
    requests = cycle([target.request(body) for body in bodies])
    tasks: set[asyncio.Task[None]] = set()
    start = time.perf_counter()

    async def one(due: float, data: bytes) -> None:
        status = await wires.ask(data)
        sent.append(Sent(due=due, status=status, seconds=time.perf_counter() - start - due))

    for due in arrivals(rate, seconds, seed=seed):
        ahead = due - (time.perf_counter() - start)
        if ahead > 0:
            await asyncio.sleep(ahead)
        task = asyncio.create_task(one(due, next(requests)))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    with suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks)
    wires.close()
    return sorted(sent, key=lambda one: one.due)


async def one_by_one(target: Target, bodies: Sequence[bytes], count: int) -> list[Sent]:
    """Send requests one after the other over one connection: what a server takes that has nothing else to do."""
    wires, sent, requests = _Wires(target, 1), [], cycle([target.request(body) for body in bodies])
    start = time.perf_counter()
    for _ in range(count):
        begun = time.perf_counter()
        status = await wires.ask(next(requests))
        sent.append(Sent(due=begun - start, status=status, seconds=time.perf_counter() - begun))
    wires.close()
    return sent


async def keep_busy(target: Target, bodies: Sequence[bytes], clients: int, seconds: float) -> float:
    """Answered requests per second of clients that ask again as soon as they are answered: the most there is to get."""
    wires, requests, done = _Wires(target, clients), cycle([target.request(body) for body in bodies]), 0
    end = time.perf_counter() + seconds

    async def client() -> None:
        nonlocal done
        while time.perf_counter() < end:
            if await wires.ask(next(requests)) == 200:
                done += 1
            else:
                await asyncio.sleep(0.005)

    begun = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    wires.close()
    return done / (time.perf_counter() - begun)
