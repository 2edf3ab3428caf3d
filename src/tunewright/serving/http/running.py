"""Listening: one process, its socket, its signals, and an end in which no accepted request is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any

import uvicorn

from tunewright.serving.http.app import build_app
from tunewright.serving.http.connections import PacedProtocols
from tunewright.serving.service import Service
from tunewright.serving.sockets import address_of
from tunewright.serving.trial import try_out

SWITCH = 0.0005  # seconds; by default a thread that wants to answer waits for ten times as long for one that computes
TOLD = 0.2  # seconds between saying "not ready" and closing the door, for whoever asks often


class _Server(uvicorn.Server):
    """uvicorn's server, without its signal handlers: it has no option for that, and ours drain first."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Capture none."""
        yield


@dataclass(slots=True)
class Ended:
    """How a server ended: the signal, and whether everything that was accepted was answered."""

    signal: int | None = None
    drained: bool = True


Background = Callable[["asyncio.Event"], Awaitable[None]]


def run(service: Service, listening: socket.socket, *, background: Background, say: Callable[[str], None]) -> Ended:
    """Serve until SIGTERM or SIGINT, then answer what was accepted; a second signal ends the process at once.

    Args:
        service: what answers; closed by whoever opened it.
        listening: the socket.
        background: runs beside; the event it is given is set by SIGHUP, and it is cancelled at the end.
        say: hears what an operator should know.

    Raises:
        ModelError: a version does not answer its own example as it should; nobody was let in.
    """
    with asyncio.Runner(loop_factory=config_of(service).get_loop_factory()) as runner:
        return runner.run(_with_signals(service, listening, background, say))


def config_of(service: Service) -> uvicorn.Config:
    """How uvicorn is to run a service."""
    options = service.options
    return uvicorn.Config(
        build_app(service),
        http=PacedProtocols(options.request),  # type: ignore[arg-type]
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="critical",  # its tracebacks would hold what was asked; ours tell the kind of a fault and no more
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=75,
        timeout_graceful_shutdown=max(int(options.drain), 1),
    )


async def _with_signals(
    service: Service, listening: socket.socket, background: Background, say: Callable[[str], None]
) -> Ended:
    loop, stop, again, ended = asyncio.get_running_loop(), asyncio.Event(), asyncio.Event(), Ended()

    def receive(number: int) -> None:
        if ended.signal is not None:
            os._exit(128 + number)
        ended.signal = number
        say("Stopping: answering what was accepted. Once more ends at once.")
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, receive, number)
    loop.add_signal_handler(signal.SIGHUP, again.set)
    ended.drained = await serve(service, listening, stop=stop, background=background(again), say=say)
    return ended


async def serve(
    service: Service,
    listening: socket.socket,
    *,
    stop: asyncio.Event,
    background: Awaitable[None],
    say: Callable[[str], None] = lambda text: None,
) -> bool:
    """Try every version out, serve until `stop` is set, answer what was accepted.

    Returns:
        Whether all of it was answered in time.
    """
    sys.setswitchinterval(SWITCH)
    for version in service.shelf.versions():
        await service.batcher.ask(partial(try_out, version))
    named = ", ".join(f"{one.model} (version {one.version})" for one in service.shelf.versions())
    say(f"Serving {named} at {address_of(listening)}")
    server = _Server(config_of(service))
    beside = [asyncio.ensure_future(_guarded(background)), asyncio.ensure_future(_drain(service, server, stop))]
    try:
        await server.serve(sockets=[listening])
        return await beside[1]
    finally:
        for task in beside:
            task.cancel()
        await asyncio.gather(*beside, return_exceptions=True)


async def _drain(service: Service, server: uvicorn.Server, stop: asyncio.Event) -> bool:
    """When asked to stop: say "not ready", then let nothing new in, close the door, wait for the rest."""
    await stop.wait()
    service.batcher.leaving = True
    await asyncio.sleep(min(TOLD, service.options.drain))
    service.batcher.draining = True
    server.should_exit = True
    return await service.batcher.drain(service.options.drain)


async def _guarded(work: Awaitable[Any]) -> bool:
    """What runs beside must not end the server."""
    try:
        await work
        return True
    except Exception as problem:
        print(f"Watching for new bundles has ended: {type(problem).__name__}.", file=sys.stderr, flush=True)
        return False
