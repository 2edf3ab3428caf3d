"""Checkpoints: `<folder>/step-00000012/` with `state.safetensors`, `meta.json` and their digests; never a pickle."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from tunewright.errors import RunError, TrainingError
from tunewright.events import Event, Observer, silent
from tunewright.records import to_json
from tunewright.runfolder import atomic, disk
from tunewright.runfolder.arrays import write_arrays

if TYPE_CHECKING:
    import numpy as np

ARRAYS: Final = "state.safetensors"
META: Final = "meta.json"
_STEP = re.compile(r"step-(\d{8,18})")
_REPLACED = re.compile(r"\.(step-\d{8,18})\.old")
_DTYPES = frozenset(
    ["bool", "float16", "float32", "float64"] + [f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)]
)
_HEADER_LIMIT = 4 << 20  # bytes; ours are some tens of kilobytes, and parsing a hostile gigabyte would take the memory


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """A checkpoint as loaded; the arrays are writable copies, `notes` tell which newer ones were damaged."""

    step: int
    arrays: Mapping[str, np.ndarray]
    meta: Mapping[str, Any]
    notes: tuple[str, ...] = ()


def save_state(
    folder: str | os.PathLike[str],
    *,
    step: int,
    arrays: Mapping[str, np.ndarray],
    meta: Mapping[str, Any],
    keep: int = 2,
) -> Path:
    """Write a checkpoint and return its folder; older ones beyond `keep` go only once it is on the disk.

    Args:
        folder: where checkpoints are kept, made where it does not exist.
        step: optimiser steps done, from 0.
        arrays: weights, optimiser and generator state by name, any shape, booleans, integers or floats.
        meta: everything else that is needed to continue, as records or plain JSON values.
        keep: how many checkpoints stay, the new one among them.

    Raises:
        TrainingError: an array or `meta` holds a NaN or an infinity, or an array is not of numbers; nothing is written.
        RunError: the disk refused; the checkpoints that were there are untouched.

    >>> import tempfile, numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     save_state(folder, step=12, arrays={"w": np.ones((2, 3))}, meta={"epoch": 1}).name
    ...     state = load_state(folder)
    ...     state.step, state.arrays["w"].shape, state.meta
    'step-00000012'
    (12, (2, 3), {'epoch': 1})
    """
    folder = Path(folder)
    _refuse_unfit(arrays, meta)
    target = folder / _name(step)
    with atomic.write_folder(target) as temporary:
        write_arrays(temporary / ARRAYS, arrays)
        atomic.write_json(temporary / META, {"step": step, "meta": meta})
    for older in _checkpoints(folder)[max(keep, 1) :]:
        if older != target:
            atomic.remove_folder(older)
    return target


def load_state(folder: str | os.PathLike[str], *, observe: Observer = silent) -> State | None:
    """Load the newest intact checkpoint, or return None where there is none.

    A damaged one is renamed to `damaged-…`, told to `observe` and in `State.notes`, and the one before it is used. Only
    the run's one writer may call this.

    Raises:
        RunError: the folder cannot be read, or a damaged checkpoint cannot be renamed.
    """
    folder = Path(folder)
    if not folder.is_dir():
        return None
    _tidy(folder)
    notes: list[str] = []
    for checkpoint in _checkpoints(folder):
        try:
            step, arrays, meta = _read(checkpoint)
        except _Damaged as damage:
            aside = _set_aside(checkpoint)
            notes.append(f"Checkpoint {checkpoint.name} is damaged ({damage}) and was set aside as {aside.name}.")
            observe(Event(station="train", what="note", text=notes[-1], data={"checkpoint": checkpoint.name}))
            continue
        return State(step=step, arrays=arrays, meta=meta, notes=tuple(notes))
    return None


def _name(step: int) -> str:
    if step < 0:
        raise ValueError(f"A step must be 0 or more. Got {step}. Count the optimiser steps done.")
    return f"step-{step:08d}"


class _Damaged(Exception):
    """A checkpoint is not what was written; the text says how."""


def _refuse_unfit(arrays: Mapping[str, np.ndarray], meta: Mapping[str, Any]) -> None:
    import numpy as np

    for name, array in arrays.items():
        if array.dtype.name not in _DTYPES:
            raise TrainingError(
                f"A checkpoint holds numbers. {name!r} has dtype {array.dtype}. Convert it, at most to 64 bits."
            )
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise TrainingError(
                f"A checkpoint must hold finite numbers. {name!r} holds a NaN or an infinity. "
                "Lower training.learning_rate; the checkpoint before this one is kept."
            )
    where = atomic.find_non_finite(to_json(meta))
    if where is not None:
        raise TrainingError(
            f"A checkpoint must hold finite numbers. Its meta data holds a NaN or an infinity at {where}."
        )


def _checkpoints(folder: Path) -> list[Path]:
    """The checkpoints by name, newest first."""
    with disk.refusals_named(folder):
        found = {path: match for path in folder.iterdir() if (match := _STEP.fullmatch(path.name))}
    return sorted(found, key=lambda path: int(found[path][1]), reverse=True)


def _tidy(folder: Path) -> None:
    """Remove what killed saves left, and bring back what a killed replacement moved away."""
    atomic.sweep(folder)
    for path in sorted(folder.iterdir()):
        if match := _REPLACED.fullmatch(path.name):
            atomic.settle_folder(folder / match[1])


def _set_aside(checkpoint: Path) -> Path:
    aside = checkpoint.with_name(f"damaged-{checkpoint.name}")
    number = 1
    while os.path.lexists(aside):
        number += 1
        aside = checkpoint.with_name(f"damaged-{checkpoint.name}-{number}")
    with disk.refusals_named(checkpoint):
        disk.rename(checkpoint, aside)
        disk.fsync_folder(checkpoint.parent)
    return aside


def _read(checkpoint: Path) -> tuple[int, dict[str, np.ndarray], dict[str, Any]]:
    if checkpoint.is_symlink() or not checkpoint.is_dir():
        raise _Damaged("not a folder")
    differing = atomic.check_folder(checkpoint)
    if differing:
        raise _Damaged(f"missing or altered: {', '.join(differing)}")
    try:
        told = atomic.read_json(checkpoint / META)
        step, meta = int(told["step"]), dict(told["meta"])
    except (RunError, KeyError, TypeError, ValueError) as error:
        raise _Damaged(f"{META} is not a checkpoint's") from error
    if step < 0 or checkpoint.name != _name(step):
        raise _Damaged(f"{META} is of step {step}")
    return step, _read_arrays(checkpoint / ARRAYS), meta


def _read_arrays(file: Path) -> dict[str, np.ndarray]:
    import numpy as np
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    _check_header(file)
    try:
        arrays = load_file(file)
    except (SafetensorError, OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise _Damaged(f"{ARRAYS} is not valid safetensors") from error
    for name, array in arrays.items():
        # Where a library has taught numpy further kinds of numbers, such as bfloat16, the reader makes those as well.
        if array.dtype.name not in _DTYPES:
            raise _Damaged(f"{ARRAYS} holds {array.dtype}, which was never written")
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            raise _Damaged(f"{ARRAYS} holds a NaN or an infinity")
        arrays[name] = array if array.flags.writeable else array.copy()
    return arrays


def _check_header(file: Path) -> None:
    """Hold the lengths in the header against the file before anything is allocated by them."""
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            if size < 8 or length > min(size - 8, _HEADER_LIMIT):
                raise _Damaged(f"{ARRAYS} has a header of {length} bytes in a file of {size}")
            header = json.loads(stream.read(length))
        ends = [entry["data_offsets"][1] for name, entry in header.items() if name != "__metadata__"]
    except (OSError, ValueError, RecursionError, KeyError, TypeError, IndexError, AttributeError) as error:
        raise _Damaged(f"{ARRAYS} has no valid header") from error
    if max(ends, default=0) != size - 8 - length:
        raise _Damaged(f"{ARRAYS} describes other sizes than it has")
