"""Who may ask: whoever knows the address with its token, from this machine, from a page of this very server.

A page of another site can make a browser send requests to the loopback interface, also under a name of its own that it
has made to mean 127.0.0.1 (DNS rebinding). It cannot know the token, cannot choose the `Host` that the browser names,
and cannot hide its `Origin`.
"""

from __future__ import annotations

import hmac
import re
from typing import Final

HOSTS: Final = ("127.0.0.1", "localhost")
_HOST = re.compile(r"([a-z0-9.\-]{1,253})(?::([0-9]{1,5}))?")
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# A report is a file of a run folder, which somebody else may have made: it gets no origin and may ask nothing.
REPORT_POLICY: Final = (
    "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src data: blob:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


def is_here(host: str | None) -> bool:
    """Whether a `Host` names this machine by a name that nobody else can give another meaning.

    The port may differ: a tunnel has its own.

    >>> is_here("127.0.0.1:8123"), is_here("localhost"), is_here("rebound.example:8123"), is_here(None)
    (True, True, False, False)
    """
    found = _HOST.fullmatch((host or "").strip().lower())
    return found is not None and found[1] in HOSTS


def is_ours(origin: str | None, host: str | None) -> bool:
    """Whether an `Origin` is that of the pages under this `Host`; none is no answer.

    >>> is_ours("http://127.0.0.1:8123", "127.0.0.1:8123"), is_ours("null", "localhost"), is_ours(None, "localhost")
    (True, False, False)
    """
    return is_here(host) and origin is not None and origin == f"http://{(host or '').strip().lower()}"


def is_token(given: str, token: str) -> bool:
    """Whether a path's first part is the token, in a time that does not tell how much of it is right."""
    return hmac.compare_digest(given.encode(errors="replace"), token.encode())
