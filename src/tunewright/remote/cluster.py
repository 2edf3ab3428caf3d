"""A Ray cluster: connected to when somebody names it, and what it has room for.

Ray moves Python objects between processes with pickle. That is its transport between machines that trust each other,
and never a file format of ours: nothing that lies on a disk or at a URL is read that way. Whoever can reach a cluster's
ports can run code on it, so a cluster belongs on a network of its own or behind a tunnel.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from tunewright.errors import MissingExtra, PlanError, RunError
from tunewright.remote.urls import redacted

CLIENT = "ray://"
KNOCK = 10.0  # seconds
TRIES = 3
_CLIENT = re.compile(r"ray://(\[[0-9A-Fa-f:]+\]|[^/:@?#\s]+):\d{1,5}")
_LONGEST = 300
_QUIET: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "logging_level": logging.ERROR}
_SHARES = 8  # trials that one GPU is shared by, at most


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """What one of several equal jobs gets: whole CPUs, and a GPU or a share of one."""

    cpus: int
    gpus: float = 0.0


def check_on(on: str) -> str:
    """Hold the name of a cluster to its form.

    Raises:
        PlanError: neither `ray` nor `ray://HOST:PORT`.

    >>> check_on("ray"), check_on("ray://10.0.0.5:10001")
    ('ray', 'ray://10.0.0.5:10001')
    """
    if on != "ray" and not _CLIENT.fullmatch(on):
        raise PlanError(
            f"--on must be ray (the cluster of this machine) or ray://HOST:PORT. Got {redacted(on)[:60]!r}. "
            "Start one with `ray start --head`, or name the port of its client server, as in ray://10.0.0.5:10001."
        )
    return on


@contextmanager
def connected(on: str) -> Iterator[Any]:
    """Connect to a cluster, and leave it at the end; whoever is connected already stays so.

    Args:
        on: `ray`: the cluster that RAY_ADDRESS names or that was started on this machine, otherwise one that is made
            of this machine for as long as this lasts; or `ray://HOST:PORT`.

    Yields:
        The module `ray`.

    Raises:
        PlanError: `on` is neither.
        MissingExtra: Ray is not installed.
        RunError: there is no cluster, or it is of another release of Ray or Python.
    """
    check_on(on)
    try:
        import ray
    except ImportError as error:
        raise MissingExtra("--on needs Ray, which is not installed. Run: pip install 'tunewright[ray]'") from error
    if ray.is_initialized():
        yield ray
        return
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # a cluster that we start tells nobody
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    logging.getLogger("ray.client_builder").setLevel(logging.WARNING)  # it tells what was passed to it
    with _signals_kept():
        try:
            _enter(ray, on)
        except Exception as error:  # gRPC, sockets, versions: each has types of its own
            said = redacted(" ".join(str(error).split()))[:_LONGEST] or type(error).__name__
            raise RunError(
                f"--on must name a Ray cluster that answers, of the same Ray and Python. {on} does not: {said} "
                "Check that it runs (`ray status` there) and that its port is reachable from here."
            ) from error
    try:
        yield ray
    finally:
        ray.shutdown()


def _enter(ray: Any, on: str) -> None:
    """Connect; to a client server more than once, since the process that it starts for us sometimes dies at once."""
    for left in reversed(range(TRIES if on != "ray" else 1)):
        _knock(on if on != "ray" else os.environ.get("RAY_ADDRESS", ""))
        try:
            ray.init(on) if on != "ray" else ray.init(**_QUIET)
            return
        except Exception:
            with suppress(Exception):
                ray.shutdown()  # a client that did not get through would stand in the way of the next
            if not left:
                raise


def _knock(address: str) -> None:
    """Find out in seconds whether anybody listens: Ray itself goes on asking for minutes, and then ends the process."""
    host, _, port = address.removeprefix(CLIENT).rpartition(":")
    if host and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=KNOCK).close()


def room_for(nodes: Sequence[Any], jobs: int) -> Room:
    """The most that each of so many jobs can have at the same time.

    Args:
        nodes: as `ray.nodes()` tells of them.
        jobs: at a time.

    Raises:
        PlanError: they are more than the cluster has CPUs.

    >>> node = {"Alive": True, "Resources": {"CPU": 8.0}}
    >>> room_for([node, node], 2), room_for([node, node], 3).cpus
    (Room(cpus=8, gpus=0.0), 4)
    """
    alive = [node["Resources"] for node in nodes if node["Alive"]]
    gpus = [share for share in (1.0, *(1 / n for n in range(2, _SHARES + 1))) if _fit(alive, jobs, gpus=share)]
    share = gpus[0] if gpus else 0.0
    cpus = [count for count in range(1, 1 + _most(alive)) if _fit(alive, jobs, cpus=count, gpus=share)]
    if not cpus:
        total = int(sum(one.get("CPU", 0) for one in alive))
        raise PlanError(
            f"search.workers must be at most the cluster's CPUs. Got {jobs}, it has {total} on {len(alive)} nodes. "
            "Lower it, or add nodes."
        )
    return Room(cpus=max(cpus), gpus=share)


def _most(nodes: Sequence[Any]) -> int:
    return max((int(one.get("CPU", 0)) for one in nodes), default=0)


def _fit(nodes: Sequence[Any], jobs: int, *, cpus: int = 1, gpus: float = 0.0) -> bool:
    """Whether so many jobs have room at the same time; a job lies on one node."""
    fitting = 0
    for one in nodes:
        by_cpu = int(one.get("CPU", 0) // cpus)
        # Ray gives several jobs shares of one GPU, but never one job shares of several.
        by_gpu = int(one.get("GPU", 0)) * round(1 / gpus) if gpus else by_cpu
        fitting += min(by_cpu, by_gpu)
    return fitting >= jobs


@contextmanager
def _signals_kept() -> Iterator[None]:
    """Ray takes SIGTERM for itself when it connects; here it means: stop where the run can be continued."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
