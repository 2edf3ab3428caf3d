"""A server in a thread of this process, on a free port of the loopback interface."""

from __future__ import annotations

import asyncio
import http.client
import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from tunewright.serving.models import Place, Shelf
from tunewright.serving.options import ServingOptions
from tunewright.serving.service import Service, close_service, open_service
from tunewright.serving.sockets import listen


@dataclass
class Said:
    """An answer of the server."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Served:
    """A running server."""

    service: Service
    port: int
    loop: asyncio.AbstractEventLoop
    stop: asyncio.Event
    thread: threading.Thread
    said: list[str] = field(default_factory=list)
    drained: list[bool] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(self, method, path, body=None, headers=None, raw=None, host=None) -> Said:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        given = dict(headers or {})
        if host is not None:
            given["Host"] = host
        payload = raw
        if body is not None:
            payload = json.dumps(body).encode()
            given.setdefault("Content-Type", "application/json")
        try:
            connection.request(method, path, body=payload, headers=given)
            answer = connection.getresponse()
            return Said(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def predict(self, *texts, **more) -> Said:
        return self.ask("POST", "/predict", {"rows": [{"message": text} for text in texts]}, **more)

    def end(self) -> bool:
        self.loop.call_soon_threadsafe(self.stop.set)
        self.thread.join(60)
        assert not self.thread.is_alive()
        return self.drained[0]

    def call(self, coroutine):
        """Run a coroutine on the server's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(60)


async def _nothing() -> None:
    await asyncio.Event().wait()


@contextmanager
def running(shelf: Shelf, options: ServingOptions):
    from tunewright.serving.http.running import serve

    service = open_service(options, shelf)
    listening = listen("127.0.0.1", 0)
    began = threading.Event()
    made: list[Served] = []

    async def main():
        stop = asyncio.Event()
        served = Served(
            service, listening.getsockname()[1], asyncio.get_running_loop(), stop, threading.current_thread()
        )
        made.append(served)

        def say(text):
            served.said.append(text)
            began.set()

        served.drained.append(await serve(service, listening, stop=stop, background=_nothing(), say=say))

    thread = threading.Thread(target=lambda: asyncio.run(main()), daemon=True)
    thread.start()
    assert began.wait(60)
    try:
        yield made[0]
    finally:
        if thread.is_alive():
            made[0].end()
        close_service(service)


@pytest.fixture
def serve():
    """(shelf, **options) to a running server."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        yield lambda shelf, **options: stack.enter_context(running(shelf, ServingOptions(**options)))


@pytest.fixture(scope="module")
def served(make_fake):
    """A server for all tests of a module that only ask."""
    with running(Shelf([Place(source=None, version=make_fake().made())]), ServingOptions()) as server:
        yield server
