"""Hidden states in a file that is mapped, not read: written end to end without padding, checked before it is used.

The format is safetensors: `digests` (n, 2) uint64 of the texts' token ids, `offsets` (n + 1,) int64, `states` (t, D)
float32 or bfloat16, and in the metadata a checksum of all three. Text i is `states[offsets[i]:offsets[i + 1]]`.
Shapes: n texts, t tokens, D width.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tunewright.runfolder import disk

Array = np.ndarray[Any, np.dtype[Any]]
MOST_HEADER = 1 << 16
BLOCK = 1 << 24  # bytes whose checksum is taken at a time
# numpy has no bfloat16: its bits go as int16.
KINDS: dict[str, np.dtype[Any]] = {
    "U64": np.dtype(np.uint64),
    "I64": np.dtype(np.int64),
    "F32": np.dtype(np.float32),
    "BF16": np.dtype(np.int16),
}
NAMES = {kind: name for name, kind in KINDS.items()}


@dataclass(frozen=True, slots=True, eq=False)
class StateFile:
    """A mapped file; its arrays can be read for as long as they are held, also after the file was deleted."""

    digests: Array
    offsets: Array
    states: Array
    check: str

    def sound(self) -> bool:
        """Whether the content is what was written; reads all of it."""
        return _checksum((self.digests, self.offsets, self.states)) == self.check


def write_states(path: Path, digests: Array, lengths: Array, width: int, batches: Iterable[Array]) -> None:
    """Write states under their final name, batch by batch, so that never more than one is in memory.

    Args:
        path: takes the place of a file of that name.
        digests: (n, 2) of the texts, in the order in which the batches bring them.
        lengths: (n,) their tokens.
        width: D.
        batches: (b, D) states each, together those of all texts; all of one kind, float32 or int16.

    Raises:
        OSError: the disk refused; nothing is left behind.
    """
    offsets = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    heads = (np.ascontiguousarray(digests, np.uint64), offsets)
    temporary = disk.sibling(path)
    try:
        with temporary.open("xb") as file:
            check = 0
            for number, states in enumerate(batches):
                states = np.ascontiguousarray(states)
                if number == 0:
                    file.write(_header(heads, states.dtype, width, check=""))
                    for head in heads:
                        file.write(head.tobytes())
                        check = zlib.crc32(head.data, check)
                file.write(states.data)
                check = zlib.crc32(states.data, check)
            file.seek(0)
            # The checksum is known at the end, and of one length: the header keeps its size.
            file.write(_header(heads, states.dtype, width, check=f"{check:08x}"))
            file.flush()
            disk.fsync(file.fileno())
        disk.rename(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def map_states(path: Path) -> StateFile | None:
    """Map a file, or None where its header or its size is not that of a whole file; `sound` looks at the content.

    Raises:
        OSError: it is not there, or cannot be read.
    """
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        text = file.read(size) if size <= MOST_HEADER else b""
        whole = os.fstat(file.fileno()).st_size
    try:
        header = json.loads(text)
        check = str(header["__metadata__"]["check"])
        arrays = [_mapped(path, header[name], base=8 + size, whole=whole) for name in ("digests", "offsets", "states")]
        digests, offsets, states = arrays
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    shapes = digests.shape == (len(offsets) - 1, 2) and states.ndim == 2
    return StateFile(digests, offsets, states, check) if shapes and offsets[-1] == len(states) else None


def _header(heads: tuple[Array, Array], kind: np.dtype[Any], width: int, *, check: str) -> bytes:
    """The length of the header, then the header, padded to a multiple of eight bytes."""
    digests, offsets = heads
    declared: dict[str, Any] = {"__metadata__": {"check": check.rjust(8, "0"), "format": "pt"}}
    start = 0
    shapes = {
        "digests": ("U64", digests.shape, 8),
        "offsets": ("I64", offsets.shape, 8),
        "states": (NAMES[kind], (int(offsets[-1]), width), kind.itemsize),
    }
    for name, (dtype, shape, item) in shapes.items():
        stop = start + int(np.prod(shape)) * item
        declared[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [start, stop]}
        start = stop
    text = json.dumps(declared, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _mapped(path: Path, declared: Mapping[str, Any], *, base: int, whole: int) -> Array:
    """One array of the file, mapped for reading only."""
    kind, shape = KINDS[declared["dtype"]], tuple(int(side) for side in declared["shape"])
    start, stop = (int(place) for place in declared["data_offsets"])
    size = int(np.prod(shape)) * kind.itemsize
    if size <= 0 or stop - start != size or start < 0 or base + stop > whole:
        raise ValueError("the file is shorter than it says")
    return np.asarray(np.memmap(path, kind, mode="r", offset=base + start, shape=shape))


def _checksum(arrays: Iterable[Array]) -> str:
    check = 0
    for array in arrays:
        data = array.data.cast("B")
        for start in range(0, len(data), BLOCK):
            check = zlib.crc32(data[start : start + BLOCK], check)
    return f"{check:08x}"
