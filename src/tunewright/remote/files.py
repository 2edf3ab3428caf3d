"""Single files at URLs: read whole, fetched to the disk, put.

Credentials come from the environment or fsspec's own configuration, never from here.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from tunewright.errors import DataError, PlanError, TunewrightError
from tunewright.remote.problems import named, not_installed, unknown_scheme
from tunewright.remote.urls import shown

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

STEP = 1 << 20
LARGEST = 16 << 30  # bytes; a server that never ends must not fill the memory or the disk


def filesystem(url: str) -> tuple[AbstractFileSystem, str]:
    """The file system of a URL and the path in it; nothing is asked over the network yet.

    Raises:
        MissingExtra: the library for this scheme is not installed.
        PlanError: a scheme that fsspec does not know, or a chain of them.
    """
    from fsspec.core import url_to_fs
    from fsspec.registry import get_filesystem_class

    scheme = url.partition("://")[0]
    if "::" in url:
        raise PlanError(f"A URL must name one place. Got the chain {shown(url)}. Give the place itself.")
    try:
        get_filesystem_class(scheme)
    except ValueError:
        raise unknown_scheme(scheme) from None
    except ImportError as error:
        raise not_installed(scheme) from error
    # Listings must be of now: another machine may have written since.
    return url_to_fs(url, use_listings_cache=False)  # type: ignore[no-any-return]


def read_url(url: str, *, what: str, raising: type[TunewrightError] = DataError, limit: int = LARGEST) -> bytes:
    """Read a file whole.

    Args:
        url: the file.
        what: must hold, as the first sentence of an error.
        raising: the type of that error.
        limit: bytes it may have.

    Raises:
        TunewrightError: of type `raising`: not there, not allowed, not reachable, or too large.

    >>> write_url("memory://doc/a.txt", b"abc")
    >>> read_url("memory://doc/a.txt", what="Data must be readable.")
    b'abc'
    """
    with named(url, what, raising):
        fs, path = filesystem(url)
        if fs.isdir(path):
            raise IsADirectoryError("a folder")
        with fs.open(path, "rb") as stream:
            return b"".join(parts(stream, url, limit=limit, raising=raising))


def exists(url: str, *, raising: type[TunewrightError]) -> bool:
    """Whether there is a file.

    >>> write_url("memory://doc/a.txt", b"abc")
    >>> exists("memory://doc/a.txt", raising=DataError), exists("memory://doc/b.txt", raising=DataError)
    (True, False)
    """
    with named(url, "The folder must be readable.", raising):
        fs, path = filesystem(url)
        return bool(fs.isfile(path))


def parts(stream: BinaryIO | Any, url: str, *, limit: int, raising: type[TunewrightError]) -> Iterator[bytes]:
    """A stream in steps, up to a limit."""
    size = 0
    while part := stream.read(STEP):
        size += len(part)
        if size > limit:
            raise raising(
                f"A file at a URL may have {limit:,} bytes here. {shown(url)} has more. Check that it is what you mean."
            )
        yield part


def fetch(url: str, target: Path, *, what: str, raising: type[TunewrightError], limit: int = LARGEST) -> str:
    """Fetch a file to the disk and return its SHA-256; what was fetched of it when that fails is removed."""
    digest = hashlib.sha256()
    try:
        with named(url, what, raising):
            fs, path = filesystem(url)
            with fs.open(path, "rb") as stream, target.open("wb") as file:
                for part in parts(stream, url, limit=limit, raising=raising):
                    digest.update(part)
                    file.write(part)
    except BaseException:
        target.unlink(missing_ok=True)
        raise
    return digest.hexdigest()


def write_url(url: str, data: bytes, *, raising: type[TunewrightError] = DataError) -> None:
    """Put a file there; whoever reads sees the old one or the new one."""
    with named(url, "The place to write to must take files.", raising):
        fs, path = filesystem(url)
        make_parent(fs, path)
        if is_local(fs):
            with _swapped_in(Path(path)) as temporary:
                temporary.write_bytes(data)
        else:
            fs.pipe_file(path, data)


def is_local(fs: AbstractFileSystem) -> bool:
    """Whether it is this machine's disk."""
    return "file" in _protocols(fs)


def make_parent(fs: AbstractFileSystem, path: str) -> None:
    """Make the folder of a file, where there are folders; an object store has none, and no bucket is made by us."""
    if _protocols(fs) & {"file", "memory", "sftp", "ssh", "ftp", "smb", "hdfs", "webhdfs", "arrow_hdfs", "dbfs"}:
        fs.makedirs(fs._parent(path), exist_ok=True)


def _protocols(fs: AbstractFileSystem) -> set[str]:
    return {fs.protocol} if isinstance(fs.protocol, str) else set(fs.protocol)


class _swapped_in:
    """A temporary sibling that takes the name of a file once it is on the disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")

    def __enter__(self) -> Path:
        return self.temporary

    def __exit__(self, kind: object, error: object, trace: object) -> None:
        if kind is None:
            with self.temporary.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(self.temporary, self.path)
        else:
            self.temporary.unlink(missing_ok=True)


def put_file(source: Path, url: str, *, raising: type[TunewrightError]) -> None:
    """Put a file of the disk there; whoever reads sees the old one or the new one."""
    with named(url, "The place to write to must take files.", raising):
        fs, path = filesystem(url)
        make_parent(fs, path)
        if is_local(fs):
            with _swapped_in(Path(path)) as temporary:
                shutil.copyfile(source, temporary)
        else:
            fs.put_file(str(source), path)


def remove_url(url: str, *, raising: type[TunewrightError]) -> None:
    """Remove a file; one that is not there is fine."""
    with named(url, "The place to write to must take files.", raising):
        fs, path = filesystem(url)
        try:
            fs.rm_file(path)
        except FileNotFoundError:
            return


def sizes(url: str, *, raising: type[TunewrightError]) -> dict[str, int]:
    """Files below a URL: bytes by name, with slashes; nothing there is an empty folder.

    >>> write_url("memory://sized/b/c.txt", b"abc")
    >>> sizes("memory://sized", raising=DataError)
    {'b/c.txt': 3}
    """
    with named(url, "The folder must be readable.", raising):
        fs, path = filesystem(url)
        root = path.rstrip("/")
        try:
            found = fs.find(root, detail=True)
        except FileNotFoundError:
            return {}
    return {
        name[len(root) :].lstrip("/"): int(about.get("size") or 0)
        for name, about in sorted(found.items())
        if name != root and about.get("type") == "file"
    }
