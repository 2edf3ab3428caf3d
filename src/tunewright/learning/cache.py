"""The feature cache: vectors of texts, kept across runs, because whatever is frozen need not be computed twice.

Layout: `TUNEWRIGHT_HOME/vectors/<key>/<n>.safetensors`, each holding `digests` (n, 2) uint64 and `vectors` (n, D)
float32. `key` names everything a vector depends on but the text; the digest is of the text's token ids. No text is
stored. Files are only ever added; the folder as a whole is bounded and the least recently used keys go first.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from tunewright.models.tokens import Tokens
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
    """Vectors of one key."""

    def __init__(self, key: str, root: Path | None = None) -> None:
        self.root = (root or home()) / "vectors"
        self.folder = self.root / key

    def load(self) -> tuple[Array, Array]:
        """All stored (digests (n, 2), vectors (n, D)); empty where nothing is stored. Damaged files count as absent."""
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        digests, vectors = [np.empty((0, 2), np.uint64)], []
        for path in sorted(self.folder.glob("*.safetensors")):
            try:
                held = load_file(path)
                digests.append(held["digests"])
                vectors.append(held["vectors"])
            except (SafetensorError, OSError, KeyError):
                path.unlink(missing_ok=True)
        if self.folder.is_dir():
            os.utime(self.folder)
        return np.concatenate(digests), np.concatenate(vectors) if vectors else np.empty((0, 0), np.float32)

    def add(self, digests: Array, vectors: Array) -> None:
        """Store more vectors; a cache that cannot be written is no reason to stop a run."""
        from safetensors.numpy import save_file

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            name = cache_key(digests.tobytes().hex())
            temporary = self.folder / f".{name}.{os.getpid()}"
            save_file({"digests": digests, "vectors": np.ascontiguousarray(vectors, np.float32)}, temporary)
            os.replace(temporary, self.folder / f"{name}.safetensors")
            self._shrink()
        except OSError:
            return

    def _shrink(self) -> None:
        sizes = {f: sum(p.stat().st_size for p in f.iterdir()) for f in self.root.iterdir() if f.is_dir()}
        for folder in sorted(sizes, key=lambda f: f.stat().st_mtime):
            if sum(sizes.values()) <= LIMIT_BYTES or folder == self.folder:
                break
            shutil.rmtree(folder, ignore_errors=True)
            del sizes[folder]


def look_up(wanted: Array, held: Array) -> Array:
    """(n,) position of each wanted digest in `held`, −1 where absent.

    >>> look_up(np.array([[1, 2], [3, 4]], np.uint64), np.array([[3, 4]], np.uint64)).tolist()
    [-1, 0]
    """
    if not len(held):
        return np.full(len(wanted), -1, np.int64)
    as_bytes = np.dtype((np.void, 16))
    keys = np.ascontiguousarray(held).view(as_bytes).ravel()
    asked = np.ascontiguousarray(wanted).view(as_bytes).ravel()
    places = {key.tobytes(): place for place, key in enumerate(keys)}
    return np.array([places.get(key.tobytes(), -1) for key in asked], np.int64)
