"""The run's append-only memory: one checksummed line of JSON per event, on the disk before anything depends on it.

A line is `{"check": …, "seq": …, "time": …, "event": …, "data": …}`; `check` is the start of the SHA-256 of the rest.
Order is the sequence number. The time is for people: clocks jump.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from tunewright.errors import RunError
from tunewright.runfolder import disk
from tunewright.runfolder.atomic import json_bytes

T = TypeVar("T")
_DECIDED = "decided"
_HEAD = '{"check": "'
_BODY = len(_HEAD) + 16 + 3  # where the checksummed rest begins: after 16 hex digits and `", `


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One event: its place in the order (from 1), when by the clock (UTC, ISO 8601), its name, plain JSON values."""

    seq: int
    time: str
    event: str
    data: Mapping[str, Any] = field(default_factory=dict)


class Journal:
    """Read and continue a journal; close it, or use it as a context manager.

    Opening cuts a tail that a kill left torn (`cut_bytes` says how much); only the run's one writer may open it. Others
    use `read_entries`.

    Args:
        path: the file, made where it does not exist.

    Raises:
        RunError: the file cannot be written, or a line before the last is damaged (the message names the line).

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Journal(Path(folder, "journal.jsonl")) as journal:
    ...     _ = journal.append("started", {"rows": 3})
    ...     journal.decide("batch_tokens", lambda: 4096), journal.decide("batch_tokens", lambda: 1)
    (4096, 4096)
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        with disk.refusals_named(self.path):
            is_new = not self.path.exists()
            self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o666)
        try:
            self._entries, self.cut_bytes = self._repair()
            if is_new:
                with disk.refusals_named(self.path):
                    disk.fsync_folder(self.path.parent)
        except BaseException:
            self.close()
            raise

    def append(self, event: str, data: Mapping[str, Any] | None = None) -> Entry:
        """Add an event and return it once it is on the disk; `data` holds records or plain JSON values.

        Raises:
            RunError: the disk refused (the journal is left as it was) or `data` holds a NaN or an infinity.
        """
        line, entry = _render(len(self._entries) + 1, event, data or {}, of=self.path)
        with disk.refusals_named(self.path):
            self._write(line)
        self._entries.append(entry)
        return entry

    def entries(self) -> list[Entry]:
        """All events in their order."""
        return list(self._entries)

    def decide(self, name: str, make: Callable[[], T]) -> T:
        """The value decided under `name`: the journalled one, or else `make()`, journalled before it is returned.

        Whatever depends on time, memory or chance is decided through here, so that a resumed run does the same again.

        Args:
            name: what is decided, unique in the run.
            make: returns plain JSON values (lists, not tuples; text keys), called only where nothing is journalled.

        Raises:
            TypeError: what `make` returned would come back from JSON as something else.
        """
        for entry in reversed(self._entries):
            if entry.event == _DECIDED and entry.data.get("name") == name:
                value: T = entry.data["value"]
                return value
        value = make()
        if json.loads(json_bytes(value, of=self.path)) != value:
            raise TypeError(f"A decision must be plain JSON values. {name!r} is a {type(value).__name__} that is not.")
        decided: T = self.append(_DECIDED, {"name": name, "value": value}).data["value"]
        return decided

    def close(self) -> None:
        """Close the file; appending is over."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def __enter__(self) -> Journal:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _repair(self) -> tuple[list[Entry], int]:
        with disk.refusals_named(self.path):
            entries, good, data = _parse(self.path)
            if data[good:]:
                os.ftruncate(self._fd, good)
            if good and data[good - 1 : good] != b"\n":
                disk.write_all(self._fd, b"\n")  # the kill took only the line's end
            if len(data) != good or not data.endswith(b"\n"):
                disk.fsync(self._fd)
        return entries, len(data) - good

    def _write(self, line: bytes) -> None:
        size = os.fstat(self._fd).st_size
        try:
            disk.write_all(self._fd, line)
            disk.fsync(self._fd)
        except BaseException:
            os.ftruncate(self._fd, size)  # half a line here would be taken for damage once another follows
            raise


def read_entries(path: str | os.PathLike[str]) -> list[Entry]:
    """The events of a journal that may belong to a running process: nothing is changed, a torn tail is passed over.

    Raises:
        RunError: a line before the last is damaged, or the file cannot be read. A missing file holds no events.
    """
    try:
        return _parse(Path(path))[0]
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"{path} must be readable. Got: {error.strerror or error}. Choose a run folder.") from error


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def _check(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()[:16]


def _render(seq: int, event: str, data: Mapping[str, Any], *, of: Path) -> tuple[bytes, Entry]:
    body = json_bytes({"seq": seq, "time": _now(), "event": event, "data": data}, of=of)[1:]
    line = f'{_HEAD}{_check(body)}", '.encode() + body + b"\n"
    return line, _entry(line)


def _entry(line: bytes) -> Entry:
    """Read one line, with or without its newline; raises `ValueError` where it is not as it was written."""
    line = line.removesuffix(b"\n")
    if not line.startswith(_HEAD.encode()) or line[len(_HEAD) : _BODY] != f'{_check(line[_BODY:])}", '.encode():
        raise ValueError("the checksum does not fit")
    value = json.loads(line)
    return Entry(seq=value["seq"], time=value["time"], event=value["event"], data=value["data"])


def _parse(path: Path) -> tuple[list[Entry], int, bytes]:
    """The entries, how many bytes of the file are good, and all its bytes."""
    data = path.read_bytes()
    lines = _split(data)
    entries: list[Entry] = []
    good = 0
    for number, line in enumerate(lines, start=1):
        try:
            entry = _entry(line)
        except (ValueError, KeyError, TypeError, RecursionError):
            if number == len(lines):
                break
            raise _damaged(path, number, "its checksum does not fit") from None
        if entry.seq != number:
            raise _damaged(path, number, f"its sequence number is {entry.seq}")
        entries.append(entry)
        good += len(line)
    return entries, good, data


def _split(data: bytes) -> list[bytes]:
    parts = data.split(b"\n")
    return [part + b"\n" for part in parts[:-1]] + ([parts[-1]] if parts[-1] else [])


def _damaged(path: Path, number: int, why: str) -> RunError:
    return RunError(
        f"A journal's lines must be as they were written. Line {number} of {path} is not: {why}. "
        "Restore the file, start over with --fresh, or choose another --out."
    )
