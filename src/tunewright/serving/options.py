"""What a server is told when it starts."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from tunewright.errors import PlanError

SHORTEST = 16  # characters of a token
LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueOptions:
    """What the batcher holds and how it cuts.

    Args:
        limit: seconds that a request may take where it does not say; what would take longer is refused at once.
        longest: seconds that a request may ask for.
        batch_tokens: padded tokens of a batch, at most; fewer where `limit` asks for it.
        rows: that may wait; beyond, requests are refused.
        others: explanations that may wait.
        margin: share of its time that a request is expected to need, at most, to be let in.
    """

    limit: float = 1.0
    longest: float = 60.0
    batch_tokens: int = 2048
    rows: int = 20_000
    others: int = 8
    margin: float = 0.8


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLimits:
    """What one request may bring.

    Args:
        body: bytes.
        rows: of one request.
        cell: characters of a text.
        explained: rows of one request to explain.
        bodies: bytes of all bodies that are being read or worked on.
        body_seconds: that a body may take to arrive.
        head_seconds: that the head of a request may take to arrive.
    """

    body: int = 4 << 20
    rows: int = 2_000
    cell: int = 100_000
    explained: int = 4
    bodies: int = 256 << 20
    body_seconds: float = 10.0
    head_seconds: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LogOptions:
    """The request log: what later tells whether the world has changed.

    Args:
        path: of the newest file (JSON lines).
        text: whether texts are written, masked; otherwise only how long they are.
        bytes: after which a file is set aside.
        files: that are kept beside the newest.
    """

    path: Path
    text: bool = False
    bytes: int = 64 << 20
    files: int = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class ServingOptions:
    """All of it.

    Args:
        host: to listen at.
        port: to listen at; 0: any that is free.
        token: that a request must bring, or None.
        hosts: names under which requests may call the server; empty: those of the loopback interface, or any where it
            listens elsewhere, which takes a token.
        strict: refuse what a defined default would serve: values never learned, empty cells never seen.
        explain: whether `/explain` answers.
        watch: seconds between looks at whether a bundle was replaced; None: only when SIGHUP asks.
        drain: seconds that requests in work get after SIGTERM.
        queue: the batcher.
        request: one request.
        log: the request log, or None.
    """

    host: str = "127.0.0.1"
    port: int = 8000
    token: str | None = None
    hosts: tuple[str, ...] = ()
    strict: bool = False
    explain: bool = True
    watch: float | None = None
    drain: float = 30.0
    queue: QueueOptions = field(default_factory=QueueOptions)
    request: RequestLimits = field(default_factory=RequestLimits)
    log: LogOptions | None = None

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it.

        >>> ServingOptions().loopback, ServingOptions(host="0.0.0.0").loopback
        (True, False)
        """
        return self.host in LOOPBACK or self.host.startswith("127.")


def check_reach(options: ServingOptions) -> None:
    """Refuse to be reached from elsewhere without a token.

    Raises:
        PlanError: the address is not of the loopback interface, and there is no token; or the token is no secret.
    """
    if not options.loopback and options.token is None:
        raise PlanError(
            f"A server that others can reach must ask for a token. {options.host} is not of the loopback interface. "
            "Put a token into an environment variable and name it with --token-env, or listen at 127.0.0.1."
        )
    if options.token is not None and (len(options.token) < SHORTEST or not options.token.isascii()):
        raise PlanError(
            f"A token must have at least {SHORTEST} characters, all of them ASCII. This one has not. Take another, as "
            "`openssl rand -hex 32` makes one."
        )
