"""The completeness marker of a folder: `complete.json`, written last, with the SHA-256 of every other file."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from tunewright.errors import RunError
from tunewright.runfolder import disk

MARKER: Final = "complete.json"
_SIZE_LIMIT = 16 << 20  # bytes; a marker lists some tens of files


def check_folder(path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Names of the files that are missing or differ from what was written, sorted; empty means the folder is intact.

    `complete.json` itself is named where it is missing or altered. Files that were added are not reported. Links and
    names that lead out of the folder count as damaged and are not read.
    """
    folder = Path(path)
    marker = _read_marker(folder / MARKER)
    if marker is None:
        return (MARKER,)
    return tuple(sorted(name for name, digest in marker.items() if not _is_intact(folder, name, digest)))


def seal_folder(folder: Path) -> None:
    """Put every file and name in `folder` on the disk, then the marker.

    Raises:
        RunError: there is a link or another thing that is not a plain file.
    """
    digests = {}
    for root, folders, names in os.walk(folder, topdown=False):
        for name in names + [name for name in folders if Path(root, name).is_symlink()]:
            file = Path(root, name)
            digests[file.relative_to(folder).as_posix()] = _digest_and_fsync(file)
        if Path(root) != folder:
            disk.fsync_folder(Path(root))
    disk.create(folder / MARKER, _render(digests))
    disk.fsync_folder(folder)


def _render(digests: Mapping[str, str]) -> bytes:
    value = {"schema": 1, "files": dict(sorted(digests.items()))}
    return (json.dumps(value, indent=2) + "\n").encode()


def _digest_and_fsync(file: Path) -> str:
    if not stat.S_ISREG(file.lstat().st_mode):
        raise RunError(f"A saved folder must hold plain files. {file.name} is a link or a device. Write a copy of it.")
    with file.open("rb") as stream:
        disk.fsync(stream.fileno())
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _read_marker(file: Path) -> dict[str, str] | None:
    """The marker's digests by file name, or None where a single byte differs from how it was written."""
    try:
        if not stat.S_ISREG(file.lstat().st_mode) or file.stat().st_size > _SIZE_LIMIT:
            return None
        data = file.read_bytes()
        digests = {str(name): str(digest) for name, digest in json.loads(data)["files"].items()}
    except (OSError, ValueError, RecursionError, TypeError, KeyError, AttributeError):
        return None
    return digests if data == _render(digests) else None


def _is_intact(folder: Path, name: str, digest: str) -> bool:
    pure = PurePosixPath(name)
    if pure.is_absolute() or ".." in pure.parts or "\0" in name:
        return False
    file = folder / name
    try:
        steps = [folder.joinpath(*pure.parts[:i]) for i in range(1, len(pure.parts))]
        if any(step.is_symlink() for step in steps) or not stat.S_ISREG(file.lstat().st_mode):
            return False
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == digest
    except OSError:
        return False
