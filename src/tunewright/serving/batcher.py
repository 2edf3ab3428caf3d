"""The batcher: one thread that owns the models, and requests that wait for it no longer than they said.

No row waits for others to come. While the thread computes, what arrives collects; when it is done, it takes the oldest
and those most like it in length, as many as the budget of tokens holds. An idle server answers a single row at once,
in two thread switches.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from tunewright.serving.answers import Answer, answer_each
from tunewright.serving.models import Version
from tunewright.serving.options import QueueOptions
from tunewright.serving.picking import Piece, Ticket, cut, pick
from tunewright.serving.refusals import Problem, Refused
from tunewright.serving.schema import Rows

SHARE = 4  # a batch takes at most this part of what a request may: it may have to wait for one before its own
FEWEST = 64  # tokens of a batch's budget, at least
PATIENCE = 1.0  # seconds that an explanation waits for a queue of predictions to become empty


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a batch was, for whoever counts."""

    model: str
    rows: int
    requests: int
    tokens: int
    seconds: float
    waited: float


@dataclass(slots=True, eq=False)
class _Other:
    """Something else that the thread is asked to do."""

    call: Callable[[], Any]
    future: asyncio.Future[Any]
    came: float


class Batcher:
    """Answers rows of many requests, together where they fit.

    Args:
        options: limits.
        saw: hears of every batch, in the worker's thread.
        clock: seconds, monotonic.
    """

    def __init__(
        self,
        options: QueueOptions,
        *,
        saw: Callable[[Batch], None] = lambda batch: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.options = options
        self.rows = 0  # that wait
        self.draining = False  # nothing is let in any more
        self.leaving = False  # callers are told to go elsewhere
        self._saw = saw
        self._clock = clock
        self._queue: deque[Piece] = deque()
        self._others: deque[_Other] = deque()
        self._backlog = 0.0  # seconds that the queue takes
        self._busy_until = 0.0
        self._working = False
        self._closed = False
        self._condition = threading.Condition()
        self._thread = threading.Thread(target=self._work, name="tunewright-model", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether somebody works."""
        return self._thread.is_alive()

    @property
    def idle(self) -> bool:
        """Whether nothing waits and nothing is being computed."""
        with self._condition:
            return not (self._queue or self._others or self._working)

    def wait(self) -> float:
        """Seconds until a request that came now would be begun, about."""
        with self._condition:
            return self._wait(self._clock())

    def refusal(self, seconds: float | None = None) -> Refused | None:
        """Why any request would be refused now, or None: cheap, to be asked before a body is read."""
        if self.draining:
            return Refused(
                503, "The server is shutting down. Send the request to another, or again later.", retry_after=1
            )
        wait, allowed = self.wait(), self.allowed(seconds)
        if wait > allowed * self.options.margin or self.rows >= self.options.rows:
            return self._full(wait)
        return None

    def allowed(self, seconds: float | None) -> float:
        """Seconds that a request gets which asks for so many."""
        return self.options.limit if seconds is None else min(seconds, self.options.longest)

    def submit(self, version: Version, rows: Rows, *, seconds: float | None = None) -> asyncio.Future[list[Answer]]:
        """Put the rows of one request into the queue; to be called on the event loop's thread.

        Args:
            version: that answers all of them.
            rows: of its schema.
            seconds: that the request may take; None: as long as the options say.

        Returns:
            A future of the answers, one per row. Where it is cancelled the rows leave the queue. It fails with
            `Refused` where the time runs out or the server stops (503) or a row cannot be answered (500).

        Raises:
            Refused: it would take too long (429, or 422 where several batches of rows never fit), or the server is
                stopping (503).
        """
        loop = asyncio.get_running_loop()
        allowed = self.allowed(seconds)
        ticket = Ticket(loop.create_future(), self._clock() + allowed, [None] * rows.count)
        self._admit(version, rows, ticket, allowed)
        return self._timed(ticket.future, allowed)

    def ask(self, call: Callable[[], Any], *, seconds: float | None = None) -> asyncio.Future[Any]:
        """Let the thread do something else, when no prediction waits or after a second.

        Returns:
            A future of what the call gives; it fails as the call does, or with `Refused` (503) as in `submit`.

        Raises:
            Refused: too many wait (429), or the server is stopping (503).
        """
        if self.draining:
            raise _stopping()
        future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        with self._condition:
            if len(self._others) >= self.options.others:
                raise Refused(429, f"At most {self.options.others} explanations may wait. Try again.", retry_after=2)
            self._others.append(_Other(call, future, self._clock()))
            self._condition.notify()
        return self._timed(future, self.options.longest if seconds is None else min(seconds, self.options.longest))

    async def drain(self, seconds: float) -> bool:
        """Let nothing in any more and wait until all is done; whether that came about in time."""
        self.draining = True
        end = self._clock() + seconds
        while not self.idle and self._clock() < end:
            await asyncio.sleep(0.01)
        return self.idle

    def close(self) -> None:
        """End the thread after the batch it is at; what waits is refused."""
        self.draining = True
        with self._condition:
            self._closed = True
            self._condition.notify()
        if self._thread.is_alive():
            self._thread.join()

    # On the event loop's thread.

    def _admit(self, version: Version, rows: Rows, ticket: Ticket, allowed: float) -> None:
        now, budget, pace = self._clock(), self._budget(version), version.pace
        if self.draining or self._closed:
            raise Refused(
                503, "The server is shutting down. Send the request to another, or again later.", retry_after=1
            )
        pieces = []
        for places in cut(rows.costs, budget) if rows.count > 1 else [[0]]:
            longest = max(rows.costs[place] for place in places)
            part = rows if len(places) == rows.count and rows.count == 1 else rows.take(places)
            seconds = len(places) * longest * (pace.slope + pace.overhead / budget)
            pieces.append(Piece(ticket, version, part, places, longest, seconds, now))
        own = sum(piece.seconds for piece in pieces) + pace.overhead
        ticket.left = len(pieces)
        if own > allowed and len(pieces) > 1:
            raise Refused(
                422,
                f"A request must be answerable in its time of {allowed:g} s. {rows.count:,} rows like these take about "
                f"{own:.1f} s. Send fewer at once, or ask for more time with X-Timeout-Ms.",
            )
        with self._condition:
            wait = self._wait(now)
            # What is thought of the pace may be wrong, as after a stall, and only a batch can correct it: a server that
            # has nothing else to do tries one all the same.
            if own > allowed and (self._queue or self._working):
                raise self._full(max(wait, own))
            if (wait and wait + own > allowed * self.options.margin) or self.rows + rows.count > self.options.rows:
                raise self._full(wait)
            self._queue.extend(pieces)
            self._backlog += sum(piece.seconds for piece in pieces)
            self.rows += rows.count
            self._condition.notify()

    def _full(self, wait: float) -> Refused:
        message = f"The server has work for {wait:.2f} s, and this request would not be done in time. Try again later."
        return Refused(429, message, retry_after=wait)

    def _timed(self, future: asyncio.Future[Any], seconds: float) -> asyncio.Future[Any]:
        timer = future.get_loop().call_later(seconds, self._expire, future)
        future.add_done_callback(lambda _: timer.cancel())
        return future

    def _expire(self, future: asyncio.Future[Any]) -> None:
        message = "A request must be answered in its time. It has passed. Try again, or ask for more time."
        _fail(future, Refused(503, message, retry_after=self.wait()))

    def _wait(self, now: float) -> float:
        busy = max(self._busy_until - now, 0.0) if self._working else 0.0
        return busy + self._backlog

    def _budget(self, version: Version) -> int:
        """Tokens of a batch: what the device likes, or less where a batch would eat up what a request may take."""
        fits = version.pace.tokens(self.options.limit / SHARE)
        return max(min(self.options.batch_tokens, fits), FEWEST)

    # On the worker's thread.

    def _work(self) -> None:
        try:
            while (work := self._next()) is not None:
                if isinstance(work, _Other):
                    self._do(work)
                else:
                    self._answer(work)
        finally:
            self._refuse_all()

    def _next(self) -> list[Piece] | _Other | None:
        with self._condition:
            self._working = False
            while True:
                if self._closed:
                    return None
                now = self._clock()
                due = self._others and (not self._queue or now - self._others[0].came > PATIENCE)
                if not due and self._queue and (batch := self._pick(now)):
                    return batch
                if due or self._others:
                    self._working, self._busy_until = True, now
                    return self._others.popleft()
                self._condition.wait()

    def _pick(self, now: float) -> list[Piece]:
        batch, dropped = pick(self._queue, now=now, budget=self._budget)
        for piece in (*batch, *dropped):
            self._backlog -= piece.seconds
            self.rows -= piece.rows.count
        if not self._queue:
            self._backlog = 0.0  # what rounding has left
        if batch:
            self._working = True
            self._busy_until = now + batch[0].version.pace.seconds(_padded(batch))
        return batch

    def _answer(self, batch: list[Piece]) -> None:
        version, begun = batch[0].version, self._clock()
        answers = answer_each(version, [piece.rows for piece in batch])
        seconds, tokens = self._clock() - begun, _padded(batch)
        if None not in answers:  # what was tried again says nothing of how long a batch takes
            version.pace.saw(tokens, seconds)
        _tell(batch[0].ticket.future, partial(deliver, batch, answers))
        self._saw(
            Batch(
                model=version.model,
                rows=len(answers),
                requests=len({id(piece.ticket) for piece in batch}),
                tokens=tokens,
                seconds=seconds,
                waited=begun - min(piece.came for piece in batch),
            )
        )

    def _do(self, other: _Other) -> None:
        if other.future.done():
            return
        try:
            value = other.call()
        except Exception as problem:
            _tell(other.future, partial(_fail, other.future, problem))
        else:
            _tell(other.future, partial(_finish, other.future, value))

    def _refuse_all(self) -> None:
        with self._condition:
            futures = [*(piece.ticket.future for piece in self._queue), *(other.future for other in self._others)]
            self._queue.clear()
            self._others.clear()
            self.draining, self._closed, self._working = True, True, False
        for future in dict.fromkeys(futures):
            _tell(future, partial(_fail, future, _stopping()))


def deliver(batch: list[Piece], answers: list[Answer | None]) -> None:
    """Hand answers to the requests they belong to; one whose last has come is done."""
    at = 0
    for piece in batch:
        own = answers[at : at + piece.rows.count]
        at += piece.rows.count
        ticket = piece.ticket
        if ticket.future.done():
            continue
        failed = [
            Problem(row=place, what="could not be answered") for place, one in zip(piece.places, own) if one is None
        ]
        if failed:
            message = "The model could not answer a row. The others of the batch were answered. Leave it out."
            ticket.future.set_exception(Refused(500, message, problems=failed))
            continue
        for place, answer in zip(piece.places, own, strict=True):
            ticket.answers[place] = answer
        ticket.left -= 1
        if not ticket.left:
            ticket.future.set_result([answer for answer in ticket.answers if answer is not None])


def _padded(batch: list[Piece]) -> int:
    return max(piece.longest for piece in batch) * sum(piece.rows.count for piece in batch)


def _stopping() -> Refused:
    return Refused(503, "The server is shutting down. Send the request to another, or again later.", retry_after=1)


def _fail(future: asyncio.Future[Any], problem: Exception) -> None:
    if not future.done():
        future.set_exception(problem)


def _finish(future: asyncio.Future[Any], value: Any) -> None:
    if not future.done():
        future.set_result(value)


def _tell(future: asyncio.Future[Any], do: Callable[[], Any]) -> None:
    """Do something on the event loop's thread; nothing where the loop is gone."""
    loop = future.get_loop()
    if not loop.is_closed():
        loop.call_soon_threadsafe(do)
