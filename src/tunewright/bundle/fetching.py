"""A bundle at a URL, brought into the cache: `TUNEWRIGHT_HOME/bundles/<digest of its SHA256SUMS>/`.

What names the copy is its content: another bundle at the same URL is another copy, and a file that does not have the
digest in the list is never kept. `read_bundle` holds every file to the list once more before anything is loaded.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shutil
from contextlib import suppress
from pathlib import Path
from typing import Final

from tunewright.bundle.reading import ABOUT, POOLING, SUMS
from tunewright.errors import ModelError
from tunewright.models.safety import sha256
from tunewright.remote import is_url, joined, shown
from tunewright.runfolder import disk
from tunewright.runfolder.home import home

LIMIT_BYTES: Final = 16 << 30  # of all copies together; the ones used longest ago go first
MOST_FILES: Final = 1_000
_LONGEST_LIST = 1 << 20  # bytes
_LINE = re.compile(rf"([0-9a-f]{{64}})  ([^/\\\0]+|{re.escape(POOLING)})")
_WHAT = "A bundle's files must be readable."


def local_bundle(where: str | Path) -> Path:
    """The folder of a bundle on this machine; one at a URL is fetched unless its copy is there.

    Raises:
        ModelError: not a bundle, a file differs from its digest, or the URL is not reachable or not for us.
    """
    if not is_url(where):
        return Path(where)
    from tunewright.remote.files import read_url

    listed = read_url(
        joined(where, SUMS),
        what=f"A bundle is a folder with {ABOUT} and {SUMS}. Of",
        raising=ModelError,
        limit=_LONGEST_LIST,
    )
    files = _files(listed, where)
    folder = home() / "bundles" / hashlib.sha256(listed).hexdigest()
    with disk.refusals_named(folder):
        if not _is_whole(folder, files):
            _fetch(where, folder, listed, files)
        os.utime(folder)
        _shrink(keep=folder)
    return folder


def _files(listed: bytes, url: str) -> dict[str, str]:
    """Digest by name; a name is that of a file in the folder and of nothing else."""
    found = {}
    for line in listed.decode("utf-8", "replace").splitlines():
        match = _LINE.fullmatch(line)
        if match is None or match[2] in (".", "..", SUMS) or match[2].startswith("."):
            raise ModelError(f"{SUMS} must list digests and names of files. {shown(url)} has another line. Refused.")
        found[match[2]] = match[1]
    if ABOUT not in found or len(found) > MOST_FILES:
        raise ModelError(f"{SUMS} must list {ABOUT} and at most {MOST_FILES} files. {shown(url)} does not. Refused.")
    return found


def _is_whole(folder: Path, files: dict[str, str]) -> bool:
    return (folder / SUMS).is_file() and all(
        (folder / name).is_file() and sha256(folder / name) == digest for name, digest in files.items()
    )


def _fetch(url: str, folder: Path, listed: bytes, files: dict[str, str]) -> None:
    from tunewright.remote.files import fetch, sizes

    there = sizes(url, raising=ModelError)
    needed = sum(there.get(name, 0) for name in files)
    folder.parent.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder.parent).free
    if needed > free:
        raise ModelError(
            f"A bundle must fit onto the disk. {shown(url)} has {needed >> 20:,} MiB, {folder.parent} has "
            f"{free >> 20:,} MiB left. Free some, or set TUNEWRIGHT_HOME to a larger disk."
        )
    temporary = folder.with_name(f".{folder.name[:16]}.{secrets.token_hex(4)}.tmp")
    temporary.mkdir()
    try:
        for name, digest in files.items():
            limit = there.get(name, _LONGEST_LIST)
            (temporary / name).parent.mkdir(exist_ok=True)
            got = fetch(joined(url, name), temporary / name, what=_WHAT, raising=ModelError, limit=limit)
            if got != digest:
                raise ModelError(
                    f"Every file of a bundle must have the digest in {SUMS}. {shown(joined(url, name))} has another. "
                    "Take the bundle from the run again."
                )
        (temporary / SUMS).write_bytes(listed)
        shutil.rmtree(folder, ignore_errors=True)  # a damaged copy
        with suppress(OSError):  # another process was faster, and its copy is the same
            os.rename(temporary, folder)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _shrink(keep: Path) -> None:
    """Remove the copies that were used longest ago until the rest is within bounds."""
    sized = []
    for folder in keep.parent.iterdir():
        with suppress(OSError):
            total = sum(path.stat().st_size for path in folder.iterdir())
            sized.append((folder.stat().st_mtime_ns, total, folder))
    total = sum(size for _, size, _ in sized)
    for _, size, folder in sorted(sized, key=lambda one: one[0]):
        if total <= LIMIT_BYTES:
            return
        if folder != keep:
            shutil.rmtree(folder, ignore_errors=True)
            total -= size
