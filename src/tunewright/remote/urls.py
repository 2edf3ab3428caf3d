"""URLs as text: what is one, what it is called, and how it is shown without what must stay secret.

User names, passwords and queries (signed links carry their signature there) are never shown: messages, reports and run
folders are handed on.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, TypeGuard

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+(::[A-Za-z0-9+.-]+)*://")  # two letters at least: C:// is a disk
_INSIDE = re.compile(r"[A-Za-z][A-Za-z0-9+.:-]+://[^\s'\"<>]+")
_QUERIES = ("?", "#")


def is_url(where: Any) -> TypeGuard[str]:
    """Whether a place is a URL rather than a path of this machine.

    >>> is_url("s3://bucket/rows.csv"), is_url("rows.csv"), is_url("C://rows.csv")
    (True, False, False)
    """
    return isinstance(where, str) and _SCHEME.match(where) is not None


def place(where: str | Path) -> str | Path:
    """A URL as it is, anything else as a path.

    >>> place("s3://bucket/run"), place("runs/one").name
    ('s3://bucket/run', 'one')
    """
    return where if is_url(where) else Path(where)


def has_secrets(url: str) -> bool:
    """Whether a URL holds a user name, a password or a query.

    >>> has_secrets("https://ann:secret@host/rows.csv"), has_secrets("s3://bucket/a@b.csv")
    (True, False)
    """
    return shown(url) != url


def shown(url: str) -> str:
    """A URL without user name, password and query; a path as it is.

    >>> shown("https://ann:secret@host/rows.csv?Signature=abc"), shown("s3://bucket/rows.csv"), shown("a?b.csv")
    ('https://host/rows.csv', 's3://bucket/rows.csv', 'a?b.csv')
    """
    if not is_url(url):
        return url
    scheme, _, rest = url.partition("://")
    for sign in _QUERIES:
        rest = rest.partition(sign)[0]
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


def redacted(text: str) -> str:
    """A text with every URL in it as it may be shown.

    >>> redacted("Got 403 for https://ann:secret@host/a.csv?key=abc.")
    'Got 403 for https://host/a.csv'
    """
    return _INSIDE.sub(lambda found: shown(found.group()), text)


def name_of(where: str) -> str:
    """The last name of a URL's path.

    >>> name_of("s3://bucket/runs/tickets/"), name_of("https://host/rows.csv.gz?Signature=abc")
    ('tickets', 'rows.csv.gz')
    """
    return shown(where).partition("://")[2 if is_url(where) else 0].rstrip("/").rpartition("/")[2]


def joined(url: str, *names: str) -> str:
    """A place below a URL.

    >>> joined("s3://bucket/run/", "bundle", "head.safetensors")
    's3://bucket/run/bundle/head.safetensors'
    """
    return "/".join([url.rstrip("/"), *names])
