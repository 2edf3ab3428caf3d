"""`tunewright serve`: bundles behind HTTP, until a signal comes."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunewright.cli.answer import Answer
from tunewright.cli.options import JsonOption, QuietOption
from tunewright.cli.registry import RegistryOption

if TYPE_CHECKING:
    from tunewright.serving.options import ServingOptions


def verb(
    bundles: Annotated[
        list[str],
        typer.Argument(
            metavar="BUNDLE...", help="Names in the registry, bundles, run folders or URLs; NAME=BUNDLE names a model."
        ),
    ],
    host: Annotated[str, typer.Option("--host", help="To listen at; without a token, of this machine only.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="To listen at; 0: any that is free.")] = 8000,
    token_env: Annotated[
        str | None,
        typer.Option("--token-env", metavar="NAME", help="The environment variable with the token to ask for."),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        typer.Option("--allow-host", metavar="NAME", help="A name by which requests may call the server. Repeatable."),
    ] = None,
    workers: Annotated[int, typer.Option("--workers", min=1, max=64, help="Processes, each with all models.")] = 1,
    limit_ms: Annotated[
        float,
        typer.Option("--limit-ms", min=1, help="What a request may take; what would take longer is refused at once."),
    ] = 1000,
    strict: Annotated[
        bool, typer.Option("--strict", metavar="", help="Refuse empty cells and values that a default would serve.")
    ] = False,
    no_explain: Annotated[bool, typer.Option("--no-explain", metavar="", help="Do not answer /explain.")] = False,
    watch: Annotated[
        float | None,
        typer.Option(
            "--watch",
            metavar="SECONDS",
            min=0.1,
            help="Look for a new bundle so often (a name in the registry: 2); SIGHUP looks once.",
        ),
    ] = None,
    drain: Annotated[float, typer.Option("--drain-seconds", min=0, help="For requests in work, after SIGTERM.")] = 30.0,
    log: Annotated[
        Path | None,
        typer.Option("--log", metavar="FILE", help="Keep requests and answers in FILE (JSON lines), without texts."),
    ] = None,
    log_text: Annotated[
        bool, typer.Option("--log-text", metavar="", help="Keep texts, too; addresses, cards and keys are taken out.")
    ] = False,
    fd: Annotated[int | None, typer.Option("--fd", hidden=True)] = None,
    worker: Annotated[int | None, typer.Option("--worker", hidden=True)] = None,
    registry: RegistryOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Answer over HTTP for one or more bundles: /predict, /explain, the Open Inference Protocol, and a page to try.

    SIGTERM and Ctrl-C answer what was accepted, then end. SIGHUP puts a bundle that was replaced in place, if it is
    a good one.

    Example: tunewright serve runs/tickets-1a2b3c4d/bundle --port 8000
    """
    from tunewright.errors import PlanError
    from tunewright.serving.options import LogOptions, QueueOptions, ServingOptions, check_reach
    from tunewright.stories.deploying.serving import read_source

    if log_text and log is None:
        raise PlanError("--log-text needs a log to keep texts in. Got none. Add --log FILE.")
    options = ServingOptions(
        host=host,
        port=port,
        token=_token(token_env),
        hosts=tuple(allow_host or ()),
        strict=strict,
        explain=not no_explain,
        watch=watch,
        drain=drain,
        queue=QueueOptions(limit=limit_ms / 1000),
        log=None if log is None else LogOptions(path=_own(log, worker), text=log_text),
    )
    check_reach(options)
    sources = [read_source(one, registry=registry) for one in bundles]
    say = _silent if quiet else _say
    if workers > 1:
        return _several(options, workers, say=say)
    return _one(sources, options, fd=fd, say=say)


def _one(sources: Any, options: ServingOptions, *, fd: int | None, say: Any) -> Answer:
    import socket

    from tunewright.stories.deploying.serving import serve_story

    listening = None if fd is None else socket.socket(fileno=fd)
    if listening is not None:
        listening.setblocking(False)
    ended = serve_story(sources, options, listening=listening, say=say)
    text = (
        "Everything that was accepted was answered."
        if ended.drained
        else "Some requests could not be answered in time."
    )
    return Answer(value={"signal": ended.signal, "drained": ended.drained}, text=text, code=0 if ended.drained else 1)


def _several(options: ServingOptions, count: int, *, say: Any) -> Answer:
    """A process that holds the socket and looks after the others; it loads no model."""
    import tempfile

    from tunewright.cli.machine import physical_cores
    from tunewright.serving.metrics import SHARED, forget
    from tunewright.serving.sockets import address_of, listen
    from tunewright.serving.workers import Workers

    listening = listen(options.host, options.port)
    threads = str(max(physical_cores() // count, 1))
    say(f"Starting {count} workers at {address_of(listening)}")
    with tempfile.TemporaryDirectory(prefix="tunewright-metrics-") as shared:
        group = Workers(
            command=[sys.executable, "-m", "tunewright", *_without_workers(sys.argv[1:])],
            count=count,
            listening=listening,
            say=say,
            environment={SHARED: shared, "OMP_NUM_THREADS": threads},
            buried=lambda process: forget(process, shared),
        )
        number, well = group.run(options.drain + 5)
    text = "Everything that was accepted was answered." if well else "Some requests could not be answered in time."
    return Answer(value={"signal": number, "drained": well}, text=text, code=0 if well else 1)


def _without_workers(arguments: list[str]) -> list[str]:
    """The command line of one of several processes.

    >>> _without_workers(["serve", "b", "--workers", "4", "--json", "--workers=2"])
    ['serve', 'b']
    """
    kept, skip = [], False
    for argument in arguments:
        if skip or argument.startswith("--workers=") or argument == "--json":
            skip = False
        elif argument == "--workers":
            skip = True
        else:
            kept.append(argument)
    return kept


def _token(name: str | None) -> str | None:
    from tunewright.errors import PlanError

    if name is None:
        return None
    token = os.environ.get(name)
    if not token:
        raise PlanError(f"--token-env must name an environment variable with a token. {name} is not set. Export it.")
    return token


def _own(path: Path, worker: int | None) -> Path:
    """Each of several processes writes a log of its own: requests-2.jsonl."""
    return path if worker is None else path.with_name(f"{path.stem}-{worker}{path.suffix}")


def _say(text: str) -> None:
    from tunewright.report.words import visible

    print(visible(text), file=sys.stderr, flush=True)


def _silent(text: str) -> None:
    """Say nothing."""
