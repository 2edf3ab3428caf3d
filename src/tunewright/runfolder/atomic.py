"""Write a file or a whole folder so that a reader, whenever it comes, sees the old one or the new one and never a half.

The order is always: temporary sibling, write, fsync, rename, fsync of the parent. A folder carries `complete.json`,
written last, with the SHA-256 of each of its files (`marker`). The steps on the disk are in `disk`.
"""

from __future__ import annotations

import json
import math
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from tunewright.errors import RunError
from tunewright.records import to_json
from tunewright.runfolder import disk
from tunewright.runfolder.marker import MARKER, check_folder, seal_folder

__all__ = [
    "check_folder",
    "find_non_finite",
    "json_bytes",
    "read_json",
    "remove_folder",
    "settle_folder",
    "sweep",
    "write_bytes",
    "write_folder",
    "write_json",
    "write_text",
]

_LEFTOVER = re.compile(r"\..+\.[0-9a-f]{8}\.tmp")


def write_bytes(path: str | os.PathLike[str], data: bytes) -> None:
    """Write one file: all of it under its name, or nothing.

    Raises:
        RunError: the disk refused (full, read-only, not a folder); names the path and the reason.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_bytes(Path(folder, "a.bin"), b"abc")
    ...     Path(folder, "a.bin").read_bytes(), os.listdir(folder)
    (b'abc', ['a.bin'])
    """
    path = Path(path)
    with disk.refusals_named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        temporary = disk.sibling(path)
        try:
            disk.create(temporary, data)
            disk.rename(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)
            raise
        disk.fsync_folder(path.parent)


def write_text(path: str | os.PathLike[str], text: str) -> None:
    """Write one UTF-8 file with the line ends as they are in `text`, as `write_bytes` does."""
    write_bytes(path, text.encode(errors="backslashreplace"))


def write_json(path: str | os.PathLike[str], value: Any) -> None:
    """Write a record, or a container of records, as indented JSON in the order of its fields.

    Raises:
        RunError: the disk refused, or `value` holds a NaN or an infinity, which JSON cannot say.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_json(Path(folder, "a.json"), {"b": 1, "a": (2, 3)})
    ...     read_json(Path(folder, "a.json"))
    {'b': 1, 'a': [2, 3]}
    """
    write_bytes(path, json_bytes(value, of=path, indent=2) + b"\n")


def read_json(path: str | os.PathLike[str]) -> Any:
    """Read what `write_json` wrote, as plain JSON values.

    Raises:
        RunError: there is no such file, it cannot be read, or it is not JSON.
    """
    try:
        return json.loads(Path(path).read_bytes(), parse_constant=_refuse_constant)
    except OSError as error:
        raise RunError(
            f"{path} must be readable. Got: {error.strerror or error}. Run the step that writes it."
        ) from error
    except (ValueError, RecursionError) as error:
        raise RunError(f"{path} must be JSON. Got: {error}. Restore it, or start over with --fresh.") from error


@contextmanager
def write_folder(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Write a folder: yields an empty temporary sibling to fill, which takes the name `path` once it is on the disk.

    An older folder of that name is replaced if it was written here too (it has `complete.json`) or is empty.

    Raises:
        RunError: the disk refused, or `path` is a file or a folder that was not written here.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as parent:
    ...     with write_folder(Path(parent, "out")) as folder:
    ...         _ = Path(folder, "a.txt").write_text("abc")
    ...     check_folder(Path(parent, "out")), sorted(os.listdir(Path(parent, "out")))
    ((), ['a.txt', 'complete.json'])
    """
    path = Path(path)
    with disk.refusals_named(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        settle_folder(path)
        _refuse_foreign(path)
        temporary = disk.sibling(path)
        temporary.mkdir()
        try:
            yield temporary
            seal_folder(temporary)
            _swap_in(temporary, path)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)  # already renamed where all went well


def settle_folder(path: str | os.PathLike[str]) -> None:
    """End a replacement that a kill cut short: the older folder comes back, or goes where the new one stands."""
    path = Path(path)
    aside = _aside(path)
    if not os.path.lexists(aside):
        return
    with disk.refusals_named(path):
        if os.path.lexists(path):
            remove_folder(aside)
        else:
            disk.rename(aside, path)
            disk.fsync_folder(path.parent)


def remove_folder(path: str | os.PathLike[str]) -> None:
    """Remove a folder so that no half of it is ever seen under its name."""
    path = Path(path)
    with disk.refusals_named(path):
        temporary = disk.sibling(path)
        disk.rename(path, temporary)
        disk.remove(temporary)


def sweep(folder: str | os.PathLike[str]) -> None:
    """Remove the temporary siblings that killed writers left in `folder`; call it only as the folder's one writer."""
    with disk.refusals_named(Path(folder)):
        for entry in sorted(Path(folder).iterdir()):
            if _LEFTOVER.fullmatch(entry.name):
                disk.remove(entry)


def json_bytes(value: Any, *, of: str | os.PathLike[str], indent: int | None = None) -> bytes:
    """Render records as UTF-8 JSON; `of` names the file in the error.

    Raises:
        RunError: `value` holds a NaN or an infinity; says under which keys.
    """
    plain = to_json(value)
    try:
        text = json.dumps(plain, indent=indent, ensure_ascii=False, allow_nan=False)
    except ValueError as error:
        where = find_non_finite(plain) or "an unknown place"
        raise RunError(
            f"Numbers in {of} must be finite. Got a NaN or an infinity at {where}. Store null there."
        ) from error
    return text.encode(errors="backslashreplace")  # a lone surrogate becomes \\udXXX, its own JSON escape


def find_non_finite(value: Any) -> str | None:
    """Where in plain JSON values the first NaN or infinity stands, as a dotted path.

    >>> find_non_finite({"test": {"f1": [0.5, float("nan")]}})
    'test.f1.1'
    """
    if isinstance(value, float):
        return None if math.isfinite(value) else ""
    children: Iterator[tuple[Any, Any]] = iter(())
    if isinstance(value, Mapping):
        children = iter(value.items())
    elif isinstance(value, list | tuple):
        children = enumerate(value)
    for key, child in children:
        below = find_non_finite(child)
        if below is not None:
            return f"{key}.{below}".rstrip(".")
    return None


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"the number {name}")


def _aside(path: Path) -> Path:
    return path.with_name(f".{path.name}.old")


def _refuse_foreign(path: Path) -> None:
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise RunError(f"{path} must be a folder. Got a file or a link. Remove it or choose another name.")
    if path.is_dir() and any(path.iterdir()) and not (path / MARKER).is_file():
        raise RunError(
            f"Only a folder written by Tunewright is replaced. {path} holds files and no {MARKER}. "
            "Remove it or choose another name."
        )


def _swap_in(temporary: Path, path: Path) -> None:
    aside = _aside(path)
    replaces = path.is_dir()
    if replaces:
        disk.rename(path, aside)
    try:
        disk.rename(temporary, path)
    except BaseException:
        if replaces:
            disk.rename(aside, path)
        raise
    disk.fsync_folder(path.parent)
    if replaces:
        remove_folder(aside)
