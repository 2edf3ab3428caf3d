"""What a run tells while it works, kept beside its journal for whoever looks on from outside.

One line of JSON per event, `{"time", "station", "what", "text", "data", "memory_mb"}`. Nothing is ever decided by it
and nothing waits for the disk: a line that is lost costs a point of a curve, and a disk that refuses ends the telling,
not the run.
"""

from __future__ import annotations

import json
import math
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from tunewright.errors import TunewrightError
from tunewright.events import Event

OFTEN: Final = 0.5  # seconds between two lines of progress of a station, at least
SHARE: Final = (
    0.001  # and this share of the sitting so far, so that a run of days leaves thousands of lines, not millions
)
EPOCHS: Final = 5  # times as often where an epoch has ended
LONGEST: Final = 2000  # characters of an error
_LINE: Final = 1_000_000  # bytes of a line that is believed
_HEAD: Final = 64  # bytes by which a file is told from the one that was there before
_MOST: Final = 8_000_000  # bytes read at a time
_END: Final = 100_000  # bytes in which the last event is looked for


class Told:
    """An observer that appends to a file; give it up with `close`.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     told = Told(Path(folder, "progress.jsonl"))
    ...     told(Event(station="split", what="done", data={"seconds": 0.1}))
    ...     told.close()
    ...     [(one["station"], one["data"]) for one in Tail(told.path).new()[1]]
    [('split', {'seconds': 0.1})]
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._fd = -1
        self._started = time.monotonic()
        self._last: dict[str, float] = {}
        self._epoch: Any = None
        with suppress(OSError):
            self._fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o666)
            if os.fstat(self._fd).st_size:
                os.write(self._fd, b"\n")  # a kill may have torn the last line

    def __call__(self, event: Event) -> None:
        """Hear an event; progress is kept now and then, most of all where an epoch has ended."""
        now = time.monotonic()
        if event.what == "progress":
            epoch = (event.station, event.data.get("epoch"))
            pause = max(OFTEN, SHARE * (now - self._started))
            if epoch != self._epoch:
                pause /= EPOCHS
            if now - self._last.get(event.station, -math.inf) < pause:
                return
            self._epoch, self._last[event.station] = epoch, now
        self._write(_line(event))

    def close(self) -> None:
        """Close the file; what is told from now on is not kept."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _write(self, line: bytes) -> None:
        if self._fd < 0:
            return
        try:
            if os.write(self._fd, line) < len(line):
                os.write(self._fd, b"\n")  # the disk is full: what was torn must not spoil the next
        except OSError:
            self.close()


@contextmanager
def kept(path: str | os.PathLike[str]) -> Iterator[Told]:
    """Keep what a sitting tells, and how it ended where that was not well.

    An error ends it as `failed`, whatever else (a signal) as `stopped`; a kill leaves no line at all.
    """
    told = Told(path)
    try:
        yield told
    except Exception as error:
        # Other errors than ours may quote cells.
        text = f"{type(error).__name__}: {error}" if isinstance(error, TunewrightError) else type(error).__name__
        told(Event(station="run", what="failed", text=text[:LONGEST]))
        raise
    except BaseException as stop:
        told(Event(station="run", what="stopped", data={"signal": getattr(stop, "signal", None)}))
        raise
    finally:
        told.close()


class Tail:
    """Reads such a file as it grows; lines that are torn or no events are passed over.

    Args:
        path: the file; it need not exist yet.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self._head = b""
        self._at = 0

    def new(self) -> tuple[bool, list[dict[str, Any]]]:
        """The events since the last call, in order, and whether they begin anew: the run was started over."""
        try:
            with self.path.open("rb") as file:
                head = file.read(_HEAD)  # holds the time of the first event: no two runs begin alike
                anew = not head.startswith(self._head)
                if anew:
                    self._at = 0
                self._head = head
                file.seek(self._at)
                data = file.read(_MOST)
        except OSError:
            return False, []
        whole, end, _ = data.rpartition(b"\n")
        self._at += len(whole) + len(end)
        return anew, [event for line in whole.split(b"\n") if (event := _event(line)) is not None]


def last_told(path: str | os.PathLike[str]) -> dict[str, Any] | None:
    """The last event of such a file; None where it has none."""
    try:
        with Path(path).open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            file.seek(max(size - _END, 0))
            data = file.read()
    except OSError:
        return None
    whole, _, _ = data.rpartition(b"\n")
    found = (_event(line) for line in reversed(whole.split(b"\n")))
    return next((event for event in found if event is not None), None)


def _line(event: Event) -> bytes:
    now = datetime.now(UTC).isoformat(timespec="microseconds")
    told = {"time": now, **_plain(_fields(event)), "memory_mb": _memory()}
    return json.dumps(told, allow_nan=False).encode() + b"\n"


def _fields(event: Event) -> dict[str, Any]:
    event = replace(event, text=event.text[:LONGEST])
    return {"station": event.station, "what": event.what, "text": event.text, "data": event.data}


def _memory() -> float:
    """Resident memory of this process, in MB of 1e6 bytes."""
    import psutil

    return float(round(psutil.Process().memory_info().rss / 1e6, 1))


def _plain(value: Any) -> Any:
    """The value as strict JSON: what is not finite is null, what is no JSON its text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    return value if value is None or isinstance(value, str | int | bool) else str(value)


def _event(line: bytes) -> dict[str, Any] | None:
    if len(line) > _LINE:
        return None
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or not isinstance(found.get("data"), dict):
        return None
    texts = all(isinstance(found.get(name), str) for name in ("time", "station", "what", "text"))
    return found if texts else None
