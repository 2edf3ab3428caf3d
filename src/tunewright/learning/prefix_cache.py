"""The prefix cache: hidden states under the layers that train, kept across epochs, trials, folds and runs.

Layout: `TUNEWRIGHT_HOME/prefix/<key>/<name>.safetensors`, see `prefix_files`. `key` names everything a state depends on
but the text; a text is known by a digest of its token ids, so no text is stored. Files are only ever added or removed
whole: what one process has mapped stays readable for it whoever deletes the file. The cache as a whole is bounded, and
the files that were used longest ago go first.
"""

from __future__ import annotations

import hashlib
import math
import os
import shutil
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tunewright.errors import PlanError
from tunewright.learning.cache import drop_oldest
from tunewright.learning.prefix_files import StateFile, map_states, write_states
from tunewright.runfolder.home import home

Array = np.ndarray[Any, np.dtype[Any]]
LIMIT_GB = 8.0
VARIABLE = "TUNEWRIGHT_PREFIX_GB"
_sound: set[tuple[object, ...]] = set()  # files whose content this process has looked through


def limit_bytes() -> int:
    """What all files together may take: `TUNEWRIGHT_PREFIX_GB`, 8 where that is not set; 0 keeps nothing.

    Raises:
        PlanError: the variable holds no such number.
    """
    given = os.environ.get(VARIABLE, "").strip() or str(LIMIT_GB)
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise PlanError(
            f"{VARIABLE} must be a number of gigabytes, 0 or more. Got {given!r}. "
            f"Write one, such as {VARIABLE}=4, or 0 to keep no hidden states."
        )
    return int(value * 2**30)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Texts that are stored: (m, 2) digests, and where each lies: (m,) source, start and length."""

    sources: tuple[Array, ...]
    digests: Array
    source: Array
    starts: Array
    lengths: Array


class PrefixCache:
    """States of one key.

    Args:
        key: what `cache_key` made.
        limit: bytes that all keys together may take.
        root: the cache's home, or None for `TUNEWRIGHT_HOME`.
    """

    def __init__(self, key: str, *, limit: int, root: Path | None = None) -> None:
        self.root = (root or home()) / "prefix"
        self.folder = self.root / key
        self.limit = limit

    def find(self, wanted: Array) -> Found:
        """Those of the wanted texts that are stored, each once.

        A file that is not what was written is set aside under another name, and counts as absent.

        Args:
            wanted: (n, 2) digests.
        """
        asked = {row.tobytes() for row in np.ascontiguousarray(wanted)}
        sources: list[Array] = []
        rows: list[tuple[Array, Array, Array, Array]] = []
        for path in sorted(self.folder.glob("*.safetensors")):
            held = self._open(path)
            if held is None:
                continue
            hits = np.array([i for i, row in enumerate(held.digests) if row.tobytes() in asked], np.int64)
            if not len(hits) or not self._checked(path, held):
                continue
            asked.difference_update(held.digests[place].tobytes() for place in hits)
            starts = held.offsets[hits]
            source = np.full(len(hits), len(sources))
            rows.append((held.digests[hits], source, starts, held.offsets[hits + 1] - starts))
            sources.append(held.states)
        none = np.zeros(0, np.int64)
        rows.append((np.zeros((0, 2), np.uint64), none, none, none))
        return Found(tuple(sources), *(np.concatenate(parts) for parts in zip(*rows, strict=True)))

    def room(self) -> int:
        """Bytes that may be added: the limit, or half of what is free on the disk where that is less."""
        place = next(folder for folder in (self.root, *self.root.parents) if folder.exists())
        return min(self.limit, shutil.disk_usage(place).free // 2)

    def add(self, digests: Array, lengths: Array, width: int, batches: Iterable[Array]) -> None:
        """Store more texts, and drop files that were used longest ago where the limit asks for it.

        Raises:
            OSError: the disk refused; nothing was stored.
        """
        name = hashlib.sha256(np.ascontiguousarray(digests).tobytes()).hexdigest()[:32]
        path = self.folder / f"{name}.safetensors"
        self.folder.mkdir(parents=True, exist_ok=True)
        write_states(path, digests, lengths, width, batches)
        with suppress(OSError):
            drop_oldest(self.root, keep=path, limit=self.limit)

    def _open(self, path: Path) -> StateFile | None:
        try:
            held = map_states(path)
        except OSError:
            return None  # another process has just removed it
        if held is None:
            _set_aside(path)
        return held

    def _checked(self, path: Path, held: StateFile) -> bool:
        """Whether the content is sound; a process looks through a file once. What is found was used now."""
        if _identity(path) not in _sound and not held.sound():
            _set_aside(path)
            return False
        with suppress(OSError):
            os.utime(path)
        _sound.add(_identity(path))
        return True


def _identity(path: Path) -> tuple[object, ...]:
    """What a file would no longer have in common with itself after a change."""
    try:
        stat = path.stat()
    except OSError:
        return (str(path), None)
    return (str(path), stat.st_ino, stat.st_size, stat.st_mtime_ns)


def _set_aside(path: Path) -> None:
    """Take a damaged file out of the way, for whoever wants to know why; it is dropped like any other file in time."""
    with suppress(OSError):
        os.replace(path, path.with_suffix(".damaged"))
