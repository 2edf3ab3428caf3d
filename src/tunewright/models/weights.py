"""What a safetensors file must be before anybody loads it: a sound header, finite numbers.

Source of the format: https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from tunewright.errors import ModelError
from tunewright.models.names import show

# The format allows headers of 100 MB, but judging one takes many seconds. 2 MiB describe 15,000 tensors in one file.
_HEADER_LIMIT: Final = 2 << 20
_RANK_LIMIT: Final = 64  # numpy's and torch's
_BITS: Final = (
    {"F4": 4, "F6_E2M3": 6, "F6_E3M2": 6, "C64": 64}
    | dict.fromkeys(["BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"], 8)
    | dict.fromkeys(["I16", "U16", "F16", "BF16"], 16)
    | dict.fromkeys(["I32", "U32", "F32"], 32)
    | dict.fromkeys(["I64", "U64", "F64"], 64)
)
# How to view the bits, and which of them being `pattern` means NaN or infinity: view, mask, pattern.
# IEEE 754: all exponent bits set. The 8-bit ones: Micikevicius et al. 2022 (E4M3 has only NaN), OCP MX 1.0 (E8M0),
# and "FNUZ", whose negative zero is its one NaN. 4 and 6 bits hold neither.
_NOT_FINITE: Final[dict[str, tuple[str, int, int]]] = {
    "F64": ("<u8", 0x7FF0_0000_0000_0000, 0x7FF0_0000_0000_0000),
    "F32": ("<u4", 0x7F80_0000, 0x7F80_0000),
    "C64": ("<u4", 0x7F80_0000, 0x7F80_0000),
    "F16": ("<u2", 0x7C00, 0x7C00),
    "BF16": ("<u2", 0x7F80, 0x7F80),
    "F8_E5M2": ("u1", 0x7C, 0x7C),
    "F8_E4M3": ("u1", 0x7F, 0x7F),
    "F8_E8M0": ("u1", 0xFF, 0xFF),
    "F8_E4M3FNUZ": ("u1", 0xFF, 0x80),
    "F8_E5M2FNUZ": ("u1", 0xFF, 0x80),
}
_CHUNK: Final = 1 << 20  # bytes, a multiple of every item size
# One member of a header, no more than that: matched before the header is parsed, it leaves a parser nothing to build
# but what a header may hold. Possessive, so that a failure costs no second look.
_TEXT: Final = r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
_COUNTS: Final = rf"\[\s*+(?:\d{{1,19}}\s*+(?:,\s*+\d{{1,19}}\s*+){{0,{_RANK_LIMIT - 1}}})?\]"
_FIELD: Final = rf'"(?:dtype"\s*+:\s*+{_TEXT}|(?:shape|data_offsets)"\s*+:\s*+{_COUNTS})\s*+'
_TENSOR: Final = rf"{_TEXT}\s*+:\s*+\{{\s*+{_FIELD},\s*+{_FIELD},\s*+{_FIELD}\}}"
_METADATA: Final = rf'"__metadata__"\s*+:\s*+\{{(?:\s*+{_TEXT}\s*+:\s*+{_TEXT}\s*+,?+)*+\s*+\}}'
_MEMBER: Final = re.compile(rf"\s*+(?:{_METADATA}|{_TENSOR})\s*+,?".encode(), re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorInfo:
    """What a safetensors header says of one tensor; its bytes are `file[start:stop]`."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


def check_safetensors(path: Path) -> dict[str, TensorInfo]:
    """Validate the header of a safetensors file, reading nothing else, and return its tensors by name.

    Stricter than the format in three points: headers up to 2 MiB, no name twice, no unknown field.

    Raises:
        ModelError: the header is too long, not valid, or its tensors do not cover the data exactly once.

    >>> import tempfile
    >>> from safetensors.numpy import save_file
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_file({"weight": np.ones((2, 3), np.float16)}, Path(folder, "model.safetensors"))
    ...     check_safetensors(Path(folder, "model.safetensors"))["weight"].shape
    (2, 3)
    """
    path = Path(path)
    header, offset, size = _read_header(path)
    try:
        entries = _parse_header(header)
        tensors = {name: _tensor(name, entry, offset) for name, entry in entries.items()}
        _check_layout(tensors, offset, size)
    except ValueError as error:
        raise _unsound(path, str(error)) from error
    return tensors


def check_finite(path: Path) -> None:
    """Refuse weights that hold a NaN or an infinity; at most 1 MiB is looked at at a time, through a memory map.

    Raises:
        ModelError: the first such tensor and element, or the file is not sound safetensors.
    """
    path = Path(path)
    tensors = check_safetensors(path)
    data = np.memmap(path, dtype=np.uint8, mode="r")
    for name, info in tensors.items():
        if info.dtype not in _NOT_FINITE:
            continue
        view, mask, pattern = _NOT_FINITE[info.dtype]
        for start in range(info.start, info.stop, _CHUNK):
            bits = data[start : min(start + _CHUNK, info.stop)].view(view)
            bad = (bits & bits.dtype.type(mask)) == pattern
            if bad.any():
                element = (start - info.start) // bits.itemsize + int(bad.argmax())
                raise ModelError(
                    f"Weights must be finite. {path}: tensor {show(name)} holds a NaN or an infinity at element "
                    f"{element}. Use an intact copy of the model, or train it again with a lower learning rate."
                )


def _read_header(path: Path) -> tuple[bytes, int, int]:
    """The header, where the data begins and the size, in bytes; nothing is allocated on the file's word alone."""
    try:
        if not path.is_file():
            raise ModelError(f"Weights must be a file. {path} is none. Check the path.")
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            length = int.from_bytes(file.read(8), "little")
            if size < 8 or length > min(size - 8, _HEADER_LIMIT):
                raise _unsound(path, f"a header of {length} bytes in a file of {size}, at most {_HEADER_LIMIT} allowed")
            header = file.read(length)
    except OSError as error:
        raise ModelError(f"Weights must be readable. {path}: {error.strerror}. Check its permissions.") from error
    return header, 8 + length, size


def _parse_header(header: bytes) -> dict[str, dict[str, Any]]:
    place = 1
    while member := _MEMBER.match(header, place):
        place = member.end()
    if not header.startswith(b"{") or header[place:].strip() != b"}":
        raise ValueError(f"the header is no JSON object of tensors with dtype, shape and data_offsets, at byte {place}")
    entries: dict[str, dict[str, Any]] = json.loads(header.decode(), object_pairs_hook=_unique)
    metadata = entries.pop("__metadata__", {})
    if not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("__metadata__ is no mapping of text to text")
    # Lone surrogates are no text: UnicodeEncodeError is a ValueError.
    "".join([*entries, *metadata, *metadata.values()]).encode()
    return entries


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is there twice")
    return found


def _tensor(name: str, entry: dict[str, Any], offset: int) -> TensorInfo:
    dtype, shape, place = entry["dtype"], entry["shape"], entry["data_offsets"]
    if dtype not in _BITS:
        raise ValueError(f"tensor {show(name)} has an unknown dtype")
    bits = _BITS[dtype]
    for side in shape:
        bits *= side
        # Before a later 0 hides it: other readers multiply with 64 bits.
        if bits >= 1 << 63:
            raise ValueError(f"tensor {show(name)} has a shape beyond 2^63 bits")
    if bits % 8 or len(place) != 2 or place[1] - place[0] != bits // 8:
        raise ValueError(f"tensor {show(name)} has offsets that differ from the size of its shape")
    return TensorInfo(dtype=dtype, shape=tuple(shape), start=offset + place[0], stop=offset + place[1])


def _check_layout(tensors: dict[str, TensorInfo], offset: int, size: int) -> None:
    reached = offset
    for name, info in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].stop)):
        if info.start != reached:
            raise ValueError(f"tensor {show(name)} overlaps another, or leaves a gap before it")
        reached = info.stop
    if reached != size:
        raise ValueError(f"the tensors end at byte {reached} of {size}")


def _unsound(path: Path, what: str) -> ModelError:
    return ModelError(f"Weights must be sound safetensors. {path}: {what}. Use an intact copy of the model.")
