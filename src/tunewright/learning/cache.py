"""The feature cache: vectors of texts, kept across runs, because whatever is frozen need not be computed twice.

Layout: `TUNEWRIGHT_HOME/vectors/<key>/<n>.safetensors`, each holding `digests` (n, 2) uint64 and `vectors` (n, D)
float32, with a checksum of both. `key` names everything a vector depends on but the text; the digest is of the text's
token ids. No text is stored. Files are only ever added; the cache as a whole is bounded, and the files that were used
longest ago go first.
"""

from __future__ import annotations

import hashlib
import os
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from tunewright.models.tokens import Tokens
from tunewright.runfolder import write_arrays
from tunewright.runfolder.home import home

Array = np.ndarray[Any, np.dtype[Any]]
LIMIT_BYTES = 8 << 30


def cache_key(*parts: str) -> str:
    """Digest of what a vector depends on: weights, tokenizer, pooling, precision, attention.

    >>> cache_key("a", "b") == cache_key("a", "b"), len(cache_key("a"))
    (True, 32)
    """
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]


def token_digests(tokens: Tokens) -> Array:
    """(n, 2) uint64 digests of the texts' token ids (BLAKE2b, 128 bits)."""
    data = np.ascontiguousarray(tokens.ids, np.int32)
    out = np.empty((len(tokens), 2), np.uint64)
    for row in range(len(tokens)):
        part = data[tokens.offsets[row] : tokens.offsets[row + 1]]
        out[row] = np.frombuffer(hashlib.blake2b(part.tobytes(), digest_size=16).digest(), np.uint64)
    return out


class VectorCache:
    """Vectors of one key.

    Args:
        key: what `cache_key` made.
        root: the cache's home, or None for `TUNEWRIGHT_HOME`.
        limit: bytes all keys together may take.
    """

    def __init__(self, key: str, root: Path | None = None, limit: int | None = None) -> None:
        self.root = (root or home()) / "vectors"
        self.folder = self.root / key
        self.limit = LIMIT_BYTES if limit is None else limit

    def load(self, wanted: Array) -> tuple[Array, Array]:
        """Those of the wanted vectors that are stored.

        Args:
            wanted: (n, 2) digests.

        Returns:
            (m, 2) digests and (m, D) vectors, each digest once; files that are damaged count as absent and are removed.
        """
        digests, vectors = [np.empty((0, 2), np.uint64)], []
        asked = {row.tobytes() for row in np.ascontiguousarray(wanted)}
        for path in sorted(self.folder.glob("*.safetensors")):
            held = _read(path)
            if held is None:
                with suppress(OSError):
                    path.unlink(missing_ok=True)
                continue
            hits = np.array([place for place, row in enumerate(held[0]) if row.tobytes() in asked], np.int64)
            if len(hits):
                asked.difference_update(held[0][place].tobytes() for place in hits)
                digests.append(held[0][hits])
                vectors.append(held[1][hits])
                with suppress(OSError):
                    os.utime(path)
        return np.concatenate(digests), np.concatenate(vectors) if vectors else np.empty((0, 0), np.float32)

    def add(self, digests: Array, vectors: Array) -> None:
        """Store more vectors; a cache that cannot be written is no reason to stop a run."""
        vectors = np.ascontiguousarray(vectors, np.float32)
        digests = np.ascontiguousarray(digests, np.uint64)
        name = hashlib.sha256(digests.tobytes()).hexdigest()[:32]
        temporary = self.folder / f".{name}.{os.getpid()}"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            arrays = {"digests": digests, "vectors": vectors}
            write_arrays(temporary, arrays, metadata={"check": _checksum(digests, vectors)})
            os.replace(temporary, self.folder / f"{name}.safetensors")
            drop_oldest(self.root, keep=self.folder / f"{name}.safetensors", limit=self.limit)
        except OSError:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def drop_oldest(root: Path, *, keep: Path, limit: float) -> None:
    """Remove the files of a cache used longest ago until the rest, `keep` among them, fit into `limit` bytes."""
    found = [(path.stat(), path) for path in root.glob("*/*") if path != keep and path.is_file()]
    total = keep.stat().st_size + sum(stat.st_size for stat, _ in found)
    for stat, path in sorted(found, key=lambda one: one[0].st_mtime_ns):
        if total <= limit:
            return
        path.unlink(missing_ok=True)
        total -= stat.st_size


def look_up(wanted: Array, held: Array) -> Array:
    """(n,) position of each wanted digest in `held`, −1 where absent.

    >>> look_up(np.array([[1, 2], [3, 4]], np.uint64), np.array([[3, 4]], np.uint64)).tolist()
    [-1, 0]
    """
    places = {row.tobytes(): place for place, row in enumerate(np.ascontiguousarray(held))}
    return np.array([places.get(row.tobytes(), -1) for row in np.ascontiguousarray(wanted)], np.int64)


def _read(path: Path) -> tuple[Array, Array] | None:
    """Digests and vectors of a file, or None where it is not what was written."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            digests, vectors = file.get_tensor("digests"), file.get_tensor("vectors")
            sound = (file.metadata() or {}).get("check") == _checksum(digests, vectors)
    except (SafetensorError, OSError, KeyError, ValueError):
        return None
    fits = sound and vectors.ndim == 2 and digests.shape == (len(vectors), 2)
    return (digests, vectors) if fits else None


def _checksum(digests: Array, vectors: Array) -> str:
    return f"{zlib.crc32(vectors.tobytes(), zlib.crc32(digests.tobytes())):08x}"
