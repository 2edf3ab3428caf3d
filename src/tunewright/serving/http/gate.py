"""What every request passes before a route sees it: host, origin, token, size, and whether there is time for it at all.

Plain ASGI, before anything parses a body: a server that is overrun must not spend on refusals what answers need.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import re
import secrets
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from tunewright.serving.http.replies import asked_seconds, refusal
from tunewright.serving.options import LOOPBACK, RequestLimits, ServingOptions
from tunewright.serving.refusals import Refused
from tunewright.serving.service import Service

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

# What an orchestrator's probe and a browser's first look need; nothing there tells of a model.
OPEN = frozenset({"/", "/health/live", "/health/ready", "/v2/health/live", "/v2/health/ready"})
PROBES = frozenset(path for path in OPEN if "health" in path)
SAFE = ((b"x-content-type-options", b"nosniff"), (b"cache-control", b"no-store"), (b"referrer-policy", b"no-referrer"))
MORE = 16  # times what a body may have: what is let pass by before a refusal
SWALLOW = 2.0  # seconds that this may take
_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")


class Gate:
    """An ASGI app around another.

    Args:
        app: the routes.
        service: what they work with.
    """

    def __init__(self, app: App, service: Service) -> None:
        self._app = app
        self._service = service
        self._hosts = allowed_hosts(service.options)
        token = service.options.token
        self._token = None if token is None else token.encode()
        self._bytes = 0  # of bodies that are read or worked on

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or refuse it."""
        if scope["type"] == "lifespan":
            return await self._app(scope, receive, send)
        if scope["type"] != "http":
            return await send({"type": "websocket.close", "code": 1008})
        begun = time.perf_counter()
        headers = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"")
        name = given if _ID.fullmatch(given) else secrets.token_hex(8).encode()
        scope["tunewright.id"] = name.decode()
        status = 0

        async def counted(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), (b"x-request-id", name), *SAFE]
            await send(message)

        size = _size(headers, self._service.options.request.body)
        self._bytes += size
        try:
            refused = self._refused(scope, headers, size)
            if refused is not None:
                await swallow(receive, size, self._service.options.request)
                await refusal(scope, refused)(scope, receive, counted)
            else:
                await self._app(scope, receive, counted)
        except Exception as problem:
            # What is in a message may be a row's: only its kind is told.
            told = f"Request {name.decode()} failed: {type(problem).__name__}."
            print(told, file=sys.stderr, flush=True)
            if not status:
                await refusal(scope, Refused(500, _FAULT))(scope, receive, counted)
        finally:
            self._bytes -= size
            self._count(scope, status, time.perf_counter() - begun)

    def _refused(self, scope: Scope, headers: dict[bytes, bytes], size: int) -> Refused | None:
        path = scope["path"]
        if path in PROBES:
            return None
        if (problem := self._foreign(headers)) is not None:
            return problem
        if self._token is not None and path not in OPEN and not self._knows_token(headers):
            return Refused(401, "A request must bring the server's token. Send it as Authorization: Bearer TOKEN.")
        if scope["method"] != "POST":
            return None
        limits = self._service.options.request
        if size > limits.body:
            return Refused(413, f"A body must have at most {limits.body:,} bytes. Send fewer rows at once.")
        if self._bytes > limits.bodies:
            return Refused(503, "The server holds as many bodies as it may. Try again.", retry_after=1)
        if path.endswith("/explain"):
            return None
        try:
            return self._service.batcher.refusal(asked_seconds(headers.get(b"x-timeout-ms")))
        except Refused as wrong:
            return wrong

    def _foreign(self, headers: dict[bytes, bytes]) -> Refused | None:
        """A page from elsewhere must not reach the server through a browser that can."""
        host = headers.get(b"host", b"").decode("latin-1")
        if self._hosts is not None and host_name(host) not in self._hosts:
            return Refused(403, "A request must call the server by a name it is known by. Start it with --allow-host.")
        origin = headers.get(b"origin")
        if origin is not None and not _same_place(origin.decode("latin-1"), host):
            return Refused(403, "A request must come from a page of this server, or from no page. This one does not.")
        return None

    def _knows_token(self, headers: dict[bytes, bytes]) -> bool:
        assert self._token is not None
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        return hmac.compare_digest(given.strip(), self._token) and scheme.lower() == b"bearer"

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        metrics, route = self._service.metrics, route_of(scope)
        metrics.requests.labels(route, str(status or 499)).inc()
        metrics.seconds.labels(route).observe(seconds)


async def swallow(receive: Receive, size: int, limits: RequestLimits) -> None:
    """Let a body of a refused request pass by, so that the client is there to hear the refusal; nothing of it is kept.

    One that announces far more than a body may have is not waited for.
    """
    if not 0 < size <= limits.body * MORE:
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(SWALLOW):
            while (message := await receive())["type"] == "http.request" and message.get("more_body", False):
                pass


_FAULT = "The server could not answer. This is its own fault; the same request may fail again."


def route_of(scope: Scope) -> str:
    """The route's pattern, for counting: as many as there are routes, whatever is called.

    >>> route_of({"path": "/v2/models/a/versions/1/infer", "route": None})
    'other'
    """
    route = scope.get("route")
    return str(getattr(route, "path", "other"))


def allowed_hosts(options: ServingOptions) -> frozenset[str] | None:
    """Names that a request may call the server by; None: any, since a token is asked for.

    >>> sorted(allowed_hosts(ServingOptions()))
    ['127.0.0.1', '::1', 'localhost']
    """
    if options.hosts:
        return frozenset(name.lower() for name in options.hosts)
    return frozenset(LOOPBACK) | {options.host} if options.loopback else None


def host_name(header: str) -> str:
    """The name in a Host header, without its port.

    >>> host_name("LocalHost:8000"), host_name("[::1]:80"), host_name("a@b")
    ('localhost', '::1', '')
    """
    if not header or any(sign in header for sign in "/@\\ ,"):
        return ""
    try:
        name = (urlsplit(f"//{header}").hostname or "").lower()
        return str(ipaddress.ip_address(name)) if name[:1].isdigit() or ":" in name else name
    except ValueError:
        return ""


def _same_place(origin: str, host: str) -> bool:
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(host) and parts.netloc.lower() == host.lower()


def _size(headers: dict[bytes, bytes], most: int) -> int:
    """Bytes that a body announces; where it announces none and comes in chunks, what it may have."""
    length = headers.get(b"content-length")
    if length is not None:
        return int(length) if length.isdigit() else most + 1
    return most if b"transfer-encoding" in headers else 0
