"""One writer per run folder: an advisory lock that the kernel releases when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import json
import os
import socket
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Final
from weakref import WeakSet

from tunewright.errors import RunError
from tunewright.runfolder import disk

NAME: Final = ".lock"
PATIENCE: Final = 0.5  # seconds; a holder that is just leaving is worth waiting for, a working one is not
_held: WeakSet[RunLock] = WeakSet()


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who works in a run folder, as it says in the lock: process, machine, since when (UTC, ISO 8601), command."""

    pid: int
    host: str
    started: str = ""
    command: str = ""


class RunLock:
    """Hold a run folder: `with RunLock(folder): ...`.

    The lock is `flock` on `<folder>/.lock`, so a lock file left by a killed process binds nobody and a reused process
    id means nothing. What the file says (pid, host, start, command) is only for the message to whoever comes second.

    Args:
        folder: the run folder; it is made where it does not exist.

    Raises:
        RunError: another process, or this one through another `RunLock`, holds it (within half a second, and without
            changing a byte); or the folder cannot be written.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, RunLock(folder):
    ...     try:
    ...         RunLock(folder).__enter__()
    ...     except RunError as error:
    ...         str(error).startswith("One process at a time may write a run folder.")
    True
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self.folder = Path(folder)
        self._fd: int | None = None

    def __enter__(self) -> RunLock:
        if self._fd is not None:
            raise RunError(f"One process at a time may write a run folder. {self.folder} is held by this very lock.")
        with disk.refusals_named(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            self._fd = _acquire(self.folder / NAME)
            _held.add(self)
            os.ftruncate(self._fd, 0)
            os.pwrite(self._fd, _introduction(), 0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        fd, self._fd = self._fd, None
        if fd is None:
            return
        _held.discard(self)
        try:
            os.ftruncate(fd, 0)
        finally:
            os.close(fd)  # closing releases the lock

    def _forget(self) -> None:
        """Close this process's copy only: `flock` belongs to the open file that the parent has too."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def holder_of(folder: str | os.PathLike[str]) -> Holder | None:
    """Who holds a run folder, or None; asked from outside, and nothing is changed.

    A process that has not yet said who it is has the id 0.
    """
    try:
        fd = os.open(Path(folder) / NAME, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return None
    try:
        # Shared and only for a moment: whoever wants to begin just then tries again, and two may look at once.
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        return _told(fd)
    except OSError:
        return None
    finally:
        os.close(fd)


def _acquire(file: Path) -> int:
    """Open and lock `file`, or raise `RunError` naming its holder."""
    end = time.monotonic() + PATIENCE
    while True:
        fd = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
        try:
            if _is_ours(fd, file):
                return fd
            holder = _holder(fd)
        except BaseException:
            os.close(fd)
            raise
        os.close(fd)
        if time.monotonic() >= end:
            raise RunError(
                f"One process at a time may write a run folder. {file.parent} is held by {holder}. "
                "Wait for it, stop it, or choose another --out."
            )
        time.sleep(0.02)


def _is_ours(fd: int, file: Path) -> bool:
    """Try to lock, once; a locked file that is no longer the one on the disk (its folder was removed) locks nothing."""
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(fd), os.stat(file, follow_symlinks=False))
    except (BlockingIOError, FileNotFoundError):
        return False


def _introduction() -> bytes:
    command = " ".join(sys.argv)[:300]
    started = datetime.now(UTC).isoformat(timespec="seconds")
    holder = {"pid": os.getpid(), "host": socket.gethostname(), "started": started, "command": command}
    return json.dumps(holder).encode()


def _holder(fd: int) -> str:
    told = _told(fd)
    if not told.pid:
        return "another process, which has not yet said who it is"
    return f"process {told.pid} on {told.host} since {told.started} ({told.command})"


def _told(fd: int) -> Holder:
    try:
        told = json.loads(os.pread(fd, 4096, 0))
        return Holder(pid=int(told["pid"]), **{name: str(told[name]) for name in ("host", "started", "command")})
    except (ValueError, KeyError, TypeError):
        return Holder(pid=0, host="")


def _let_go_in_child() -> None:
    """A forked worker that outlives its killed parent must not keep the lock."""
    for lock in list(_held):
        lock._forget()
    _held.clear()


os.register_at_fork(after_in_child=_let_go_in_child)
