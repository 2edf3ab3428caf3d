"""A folder of a process's own on the machine it runs on; the ones of processes that died go when the next comes."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from tunewright.errors import RunError

PREFIX = "tunewright-work-"
_LOCK = ".lock"


class Workplace:
    """A new folder, which becomes the process's working directory.

    It is held by a lock that the kernel releases with the process, however that ends: a killed one leaves nothing for
    long.

    Args:
        files: content by name, put there.
    """

    def __init__(self, files: Mapping[str, bytes] | None = None) -> None:
        home = Path(tempfile.gettempdir())
        _sweep(home)
        self.path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=home))
        self._fd = os.open(self.path / _LOCK, os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        lay_out(files or {}, self.path)
        os.chdir(self.path)

    def leave(self) -> None:
        """Remove it."""
        os.chdir("/")
        shutil.rmtree(self.path, ignore_errors=True)
        os.close(self._fd)


def lay_out(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files below a folder.

    Raises:
        RunError: a name that leads out of it.
    """
    root = folder.resolve()
    for name, content in files.items():
        path = root / name
        if not path.resolve().is_relative_to(root) or path.resolve() == root:
            raise RunError(f"What travels must lie below its folder. Got the name {name!r}. Give it another.")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def _sweep(home: Path) -> None:
    for folder in home.glob(f"{PREFIX}*"):
        with suppress(OSError):  # somebody else's, or just being made or removed
            fd = os.open(folder / _LOCK, os.O_RDWR)
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(fd)
