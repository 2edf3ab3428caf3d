"""Arrays into a safetensors file, with the disk's refusals as the errors that they are."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tunewright.errors import RunError

if TYPE_CHECKING:
    import numpy as np


def read_arrays(file: str | os.PathLike[str]) -> dict[str, np.ndarray[Any, Any]]:
    """Read the arrays that `write_arrays` wrote into a folder of our own.

    Raises:
        RunError: it is not there or damaged.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    try:
        return dict(load_file(file))
    except (SafetensorError, OSError, ValueError) as error:
        raise RunError(f"{file} must be a readable safetensors file. Got: {error}. Start over with --fresh.") from error


def write_arrays(
    file: str | os.PathLike[str],
    arrays: Mapping[str, np.ndarray[Any, Any]],
    metadata: Mapping[str, str] | None = None,
) -> None:
    """Write named arrays to a new file; call it inside `write_folder`, which makes the write atomic.

    The format is safetensors: the length of the header (8 bytes, little-endian), a JSON header padded to eight bytes,
    the arrays. They go to the file from where they lie: the library would first copy all of them, at the moment of a
    run at which it holds most, and ends the process where there is no memory for its buffer.

    Args:
        file: where to.
        arrays: of booleans, integers or floats, in any memory order.
        metadata: texts for the file's header.

    Raises:
        OSError: the disk refused.
        TypeError: an array is not of numbers.

    >>> import tempfile, numpy
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_arrays(f"{folder}/a.safetensors", {"a": numpy.ones(2)})
    ...     read_arrays(f"{folder}/a.safetensors")
    {'a': array([1., 1.])}
    """
    # Widest numbers first: each array then lies at a multiple of its numbers' width.
    names = sorted(arrays, key=lambda name: (-arrays[name].dtype.itemsize, name))
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    stop = 0
    for name in names:
        start, stop = stop, stop + arrays[name].nbytes
        header[name] = {
            "dtype": _dtype(name, arrays[name]),
            "shape": list(arrays[name].shape),
            "data_offsets": [start, stop],
        }
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(file, "wb") as stream:
        stream.write(len(text).to_bytes(8, "little"))
        stream.write(text)
        for name in names:
            stream.write(_bytes(arrays[name]))


def _dtype(name: str, array: np.ndarray[Any, Any]) -> str:
    """The format's name of a dtype, such as F32 or U8."""
    kind = {"b": "BOOL", "i": "I", "u": "U", "f": "F"}.get(array.dtype.kind)
    if kind is None or array.dtype.itemsize > 8:
        raise TypeError(f"Arrays must hold numbers of at most 64 bits. {name!r} has dtype {array.dtype}. Convert it.")
    return kind if kind == "BOOL" else f"{kind}{8 * array.dtype.itemsize}"


def _bytes(array: np.ndarray[Any, Any]) -> memoryview:
    """An array's bytes, row by row and little-endian; a view wherever it lies in memory like that."""
    import numpy as np

    plain = np.asarray(array, dtype=array.dtype.newbyteorder("<"), order="C")
    return plain.reshape(-1).view(np.uint8).data
