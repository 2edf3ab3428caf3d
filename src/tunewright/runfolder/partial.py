"""A file that is written piece by piece and takes its name once it is whole; who comes after a kill goes on with it.

Beside FILE stand `FILE.partial`, what there is of it, and `FILE.partial.journal`: first what FILE is made from, then
how far it is, each line on the disk after the bytes it speaks of. Once FILE is there, both are gone.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final

from tunewright.errors import RunError
from tunewright.runfolder import disk
from tunewright.runfolder.atomic import json_bytes
from tunewright.runfolder.journal import Entry, Journal, read_entries

_BEGUN: Final = "begun"
_WROTE: Final = "wrote"
_WHOLE: Final = "whole"
_STEP: Final = 1 << 20


class Partial:
    r"""Write a file piece by piece: `with Partial(path, made_from=…) as file: file.append(…); file.finish()`.

    Leaving without `finish` keeps what was appended for the next process that makes the same file from the same things;
    where nothing was, nothing is left.

    Args:
        path: the file; whatever bears its name is replaced at the end.
        made_from: plain JSON values by what they are; where one of them differs from those of the file that was begun,
            it is begun afresh, and `told` names them.

    Raises:
        RunError: the disk refuses, another process writes the file, or a `FILE.partial` that is none of ours is there.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder, "a.txt")
    ...     with Partial(path, made_from={"model": "m"}) as file:
    ...         file.append(b"one\n", rows=1)
    ...     with Partial(path, made_from={"model": "m"}) as file:
    ...         before = file.rows
    ...         file.append(b"two\n", rows=1)
    ...         file.finish()
    ...     before, path.read_text(), os.listdir(folder)
    (1, 'one\ntwo\n', ['a.txt'])
    """

    def __init__(self, path: str | os.PathLike[str], *, made_from: Mapping[str, Any]) -> None:
        self.path = Path(path)
        self.partial, self.log = _beside(self.path)
        self.rows = 0  # appended so far, by whichever process
        self.told = ""  # why what was there could not be continued; empty where it could, or nothing was
        self._made_from: dict[str, Any] = json.loads(json_bytes(made_from, of=self.path))
        self._bytes = 0
        self._digest = hashlib.sha256()
        self._whole = False
        self._lock = self._fd = -1
        self._journal: Journal | None = None

    def __enter__(self) -> Partial:
        try:
            with disk.refusals_named(self.path):
                self.path.parent.mkdir(parents=True, exist_ok=True)
                _refuse_foreign(self.path)
                self._lock = _locked(self.log, self.path)
                if not self._continued():
                    self._begin()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not self._bytes:
            with suppress(OSError):
                self.partial.unlink(missing_ok=True)
                self.log.unlink(missing_ok=True)
        self._close()

    def append(self, data: bytes, *, rows: int) -> None:
        """Add bytes that hold some rows; they are on the disk, and known to be, when the call returns.

        Raises:
            RunError: the disk refused; what was appended before stays.
        """
        assert self._journal is not None, "outside of its `with`"
        with disk.refusals_named(self.path):
            disk.write_all(self._fd, data)
            disk.fsync(self._fd)
        self._digest.update(data)
        self._bytes += len(data)
        self.rows += rows
        self._journal.append(_WROTE, self._state())

    def finish(self) -> None:
        """Give the file its name and remove what stood beside it."""
        assert self._journal is not None, "outside of its `with`"
        with disk.refusals_named(self.path):
            if not self._whole:
                self._journal.append(_WHOLE, self._state())
                disk.rename(self.partial, self.path)
                disk.fsync_folder(self.path.parent)
            disk.remove(self.log)
            disk.fsync_folder(self.path.parent)

    def _state(self) -> dict[str, Any]:
        return {"rows": self.rows, "bytes": self._bytes, "digest": self._digest.hexdigest()}

    def _begin(self) -> None:
        self.partial.unlink(missing_ok=True)
        os.ftruncate(self._lock, 0)  # not removed: who waits for its lock waits for this very file
        disk.fsync(self._lock)
        self._journal = Journal(self.log)
        self._journal.append(_BEGUN, self._made_from)
        self._fd = os.open(self.partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_NOFOLLOW, 0o666)
        disk.fsync_folder(self.path.parent)

    def _continued(self) -> bool:
        """Take up what is there; where that cannot be, `told` says why."""
        try:
            entries = read_entries(self.log)
        except RunError:
            self.told = "its journal is damaged"
            return False
        if not entries:
            return False
        self.told = self._other(entries)
        if self.told or entries[-1].event == _BEGUN:
            return False
        state = entries[-1].data
        self._whole = entries[-1].event == _WHOLE and not self.partial.exists()
        file = self.path if self._whole else self.partial
        found = _digest_of(file, state["bytes"])
        if found is None or found.hexdigest() != state["digest"]:
            self._whole = False
            self.told = f"{file.name} does not hold what was written"
            return False
        self._digest, self._bytes, self.rows = found, state["bytes"], state["rows"]
        self._journal = Journal(self.log)
        if not self._whole:
            self._fd = os.open(self.partial, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW)
            os.ftruncate(self._fd, self._bytes)
        return True

    def _other(self, entries: Sequence[Entry]) -> str:
        before = entries[0].data
        names = [name for name, value in self._made_from.items() if before.get(name) != value]
        return f"it was begun with another {' and another '.join(names)}" if names else ""

    def _close(self) -> None:
        if self._journal is not None:
            self._journal.close()
        fds, self._fd, self._lock = (self._fd, self._lock), -1, -1
        for fd in fds:
            if fd >= 0:
                os.close(fd)  # of the journal's: this lets go of the lock


def is_begun(path: str | os.PathLike[str]) -> bool:
    """Whether a process has begun to write a file in pieces, and not ended."""
    return os.path.lexists(_beside(Path(path))[1])


def _beside(path: Path) -> tuple[Path, Path]:
    partial = path.with_name(f"{path.name}.partial")
    return partial, partial.with_name(f"{partial.name}.journal")


def _refuse_foreign(path: Path) -> None:
    partial, log = _beside(path)
    if path.is_dir():
        raise RunError(f"{path} must be the name of a file. It is a folder. Choose another --out.")
    if os.path.lexists(partial) and not os.path.lexists(log):
        raise RunError(
            f"{partial} must be what an earlier process wrote there. It has no journal beside it, so it is not ours. "
            "Remove it, or choose another --out."
        )


def _locked(log: Path, path: Path) -> int:
    """The journal's file, held by this process until it is closed, however the process ends."""
    fd = os.open(log, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(fd), os.stat(log, follow_symlinks=False)):
            return fd
    except (BlockingIOError, FileNotFoundError):
        pass
    except BaseException:
        os.close(fd)
        raise
    os.close(fd)
    raise RunError(
        f"One process at a time may write a file. {path} is being written by another, or has just been. "
        "Wait for it, or choose another --out."
    )


def _digest_of(file: Path, size: int) -> hashlib._Hash | None:
    """Of the first bytes of a file; None where it has fewer, or there is none."""
    digest = hashlib.sha256()
    try:
        with file.open("rb") as stream:
            while size and (part := stream.read(min(size, _STEP))):
                digest.update(part)
                size -= len(part)
    except FileNotFoundError:
        return None
    return None if size else digest
