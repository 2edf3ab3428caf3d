"""Answers and refusals on the wire, and what is read of a request."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, MutableMapping
from typing import Any

from pydantic_core import from_json, to_json
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from tunewright.serving.options import RequestLimits
from tunewright.serving.refusals import Refused

JSON = "application/json"
GRACE = 0.05  # seconds before anybody looks whether the client is still there
_TIME = re.compile(rb"[0-9]{1,9}(?:\.[0-9]{1,6})?")
_PLACE = re.compile(r"line \d+ column \d+")


class Gone(Exception):
    """The client has left; nobody hears what is answered."""


def reply(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON; what is not finite is null."""
    body = to_json(value, inf_nan_mode="null")
    return Response(body, status_code=status, media_type=JSON, headers=None if headers is None else dict(headers))


def refusal(scope: MutableMapping[str, Any], refused: Refused) -> Response:
    """A refusal as JSON, in the form of the path's protocol: that of /v2 wants a text under `error`."""
    name = scope.get("tunewright.id")
    headers = refused.headers()
    if refused.status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if refused.status in (408, 413):
        headers["Connection"] = "close"  # the rest of the body is not worth reading
    body: dict[str, Any] = {**refused.body(), "id": name}
    if scope["path"].startswith("/v2"):
        message, problems = body["message"], body["problems"]
        listed = "; ".join(f"row {one['row']}, {one['column']}: {one['what']}" for one in problems)
        return reply({"error": f"{message} {listed}".strip()}, status=refused.status, headers=headers)
    return reply({"error": body}, status=refused.status, headers=headers)


def asked_seconds(header: bytes | None) -> float | None:
    """Seconds that X-Timeout-Ms gives a request, or None.

    Raises:
        Refused: it is no number above 0.

    >>> asked_seconds(b"250"), asked_seconds(None)
    (0.25, None)
    """
    if header is None:
        return None
    value = float(header) / 1000 if _TIME.fullmatch(header) else 0.0
    if value <= 0:
        raise Refused(422, "X-Timeout-Ms must be a number of milliseconds above 0. Correct it, or leave it out.")
    return value


def seconds_of(request: Request) -> float | None:
    """Seconds that a request asks for."""
    header = request.headers.get("x-timeout-ms")
    return asked_seconds(None if header is None else header.encode("latin-1"))


async def read_json(request: Request, limits: RequestLimits) -> Any:
    """The body of a request as JSON values.

    Raises:
        Refused: another type (415), too long (413), too slow (408), not JSON or nested too deeply (422).
        Gone: the client left.
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != JSON:
        raise Refused(415, f"A body must be JSON. Send it with Content-Type: {JSON}.")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise Refused(415, "A body must come as it is. Send it without Content-Encoding.")
    body = await _read(request, limits)
    try:
        return from_json(body, allow_inf_nan=False, cache_strings="keys")
    except ValueError as problem:
        place = _PLACE.search(str(problem))
        where = f", at {place.group()}" if place else ""
        raise Refused(422, f"A body must be JSON, nested at most 200 deep. This one is not{where}.") from None


async def _read(request: Request, limits: RequestLimits) -> bytes:
    body, size = bytearray(), 0
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for chunk in request.stream():
                size += len(chunk)
                if size <= limits.body:
                    body += chunk
                elif size > limits.body * 16:  # until then the rest passes by, so that the client hears the refusal
                    break
    except TimeoutError:
        message = f"A body must arrive within {limits.body_seconds:g} s. This one did not. Send it again."
        raise Refused(408, message) from None
    except ClientDisconnect:
        raise Gone from None
    if size > limits.body:
        raise Refused(413, f"A body must have at most {limits.body:,} bytes. Send fewer rows at once.")
    return bytes(body)


async def while_there(request: Request, work: asyncio.Future[Any]) -> Any:
    """Wait for work as long as the client does; then cancel it.

    A quick answer costs nothing for this: only after a moment somebody looks whether the connection is still open.

    Raises:
        Gone: the client left.
    """
    watchers: list[asyncio.Task[None]] = []

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        work.cancel()

    loop = asyncio.get_running_loop()
    timer = loop.call_later(GRACE, lambda: watchers.append(loop.create_task(watch())))
    try:
        return await work
    except asyncio.CancelledError:
        if watchers and watchers[0].done():
            raise Gone from None
        raise
    finally:
        timer.cancel()
        for watcher in watchers:
            watcher.cancel()
