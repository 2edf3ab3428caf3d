"""Listening sockets, and how their address is told."""

from __future__ import annotations

import socket

from tunewright.errors import ServingError


def listen(host: str, port: int) -> socket.socket:
    """A listening socket.

    Raises:
        ServingError: the address is taken or not this machine's.
    """
    made: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(2048)
        made.setblocking(False)
        return made
    except OSError as problem:
        if made is not None:
            made.close()
        raise ServingError(
            f"A server needs an address of this machine that is free. {host}:{port} is not: {problem.strerror}. "
            "Choose another with --host or --port."
        ) from problem


def address_of(listening: socket.socket) -> str:
    """The URL of a listening socket."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
