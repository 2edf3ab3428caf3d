"""The few steps that ever touch the disk, each a tiny function, so that a test can stop between any two of them."""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tunewright.errors import RunError


def write_all(fd: int, data: bytes) -> None:
    """Write every byte of `data`; one `os.write` may take only a part of it."""
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]


def fsync(fd: int) -> None:
    """Wait until what was written to `fd` is on the disk."""
    os.fsync(fd)


def rename(old: Path, new: Path) -> None:
    """Give `old` the name `new`; a file already there is replaced, a folder only where it is empty."""
    os.replace(old, new)


def fsync_folder(folder: Path) -> None:
    """Wait until the names in `folder` are on the disk."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fsync(fd)
    finally:
        os.close(fd)


def remove(path: Path) -> None:
    """Remove a file, a link or a folder with what it holds; links are never followed, a missing path is fine."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def create(path: Path, data: bytes) -> None:
    """Make a new file with this content, on the disk when the call returns."""
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        write_all(fd, data)
        fsync(fd)
    finally:
        os.close(fd)


def sibling(path: Path) -> Path:
    """A free temporary name beside `path`; `sweep` knows its form."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


@contextmanager
def refusals_named(path: Path) -> Iterator[None]:
    """Turn an `OSError` into a `RunError` that names the path, the reason and what to do."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        repair = "Free some space and run the same command again" if full else "Make it so, or choose another --out"
        reason = error.strerror or str(error)
        if error.filename and not Path(os.fsdecode(error.filename)).is_relative_to(path.parent):
            reason += f" ({os.fsdecode(error.filename)})"
        raise RunError(f"{path} must be writable. Got: {reason}. {repair}.") from error
