"""What holds a connection to a pace before there is a request that any route could hold to one.

uvicorn waits for the head of a request for as long as the client likes, and takes one of any size. A few hundred
clients that send a byte a second would hold as many connections for good.
"""

from __future__ import annotations

import asyncio
from typing import Any

from tunewright.serving.options import RequestLimits

HEAD = 64 << 10  # bytes of a request line with its headers


class Paced(asyncio.Protocol):
    """A protocol around uvicorn's: a connection whose request has not begun is closed after some seconds.

    Args:
        inner: uvicorn's protocol; its `cycle` is the request in work, `response_complete` once it is answered.
        seconds: that a head may take.
    """

    def __init__(self, inner: Any, seconds: float) -> None:
        self._inner = inner
        self._seconds = seconds
        self._timer: asyncio.TimerHandle | None = None
        self._bytes = 0
        self._transport: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a head."""
        self._transport = transport
        self._inner.connection_made(transport)
        self._wait()

    def data_received(self, data: bytes) -> None:
        """Hand bytes on; those of a head are counted."""
        before = self._in_work()
        self._inner.data_received(data)
        if self._in_work():
            self._done()
        elif not before:
            self._bytes += len(data)
            if self._bytes > HEAD:
                self._close()
            elif self._timer is None:
                self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing to wait for."""
        self._done()
        self._inner.connection_lost(exc)

    def eof_received(self) -> bool | None:
        """Hand it on."""
        result: bool | None = self._inner.eof_received()
        return result

    def pause_writing(self) -> None:
        """Hand it on."""
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """Hand it on."""
        self._inner.resume_writing()

    def _in_work(self) -> bool:
        cycle = self._inner.cycle
        return cycle is not None and not cycle.response_complete

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(self._seconds, self._late)

    def _done(self) -> None:
        self._bytes = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _late(self) -> None:
        self._timer = None
        if not self._in_work():
            self._close()

    def _close(self) -> None:
        self._done()
        if self._transport is not None:
            self._transport.close()


class PacedProtocols:
    """Makes a `Paced` for every connection; what uvicorn takes for its protocol class.

    Args:
        limits: seconds of a head.
    """

    def __init__(self, limits: RequestLimits) -> None:
        self._limits = limits

    def __call__(self, **given: Any) -> Paced:
        """Make one, with what uvicorn gives its own."""
        from uvicorn.protocols.http.auto import AutoHTTPProtocol

        return Paced(AutoHTTPProtocol(**given), self._limits.head_seconds)
