"""The request log: what was asked and answered, for whoever later asks whether the world has changed.

One JSON object per row, flat, so that it is a table: the columns that the model reads, and beside them `_id`, `_row`,
`_time`, `_model`, `_version`, `_prediction` and `_confidence`. A text is not written, only how long it was
(`_characters.NAME`), unless the operator asked for texts; then, as in all other cells, what looks like an address, a
card or a key is taken out. A thread of its own writes; a server busier than its disk drops rows and counts them.
"""

from __future__ import annotations

import json
import os
import queue
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import IO, Any

from tunewright.data.masking import masked
from tunewright.errors import ServingError
from tunewright.serving.answers import Answer
from tunewright.serving.models import Version
from tunewright.serving.options import LogOptions
from tunewright.serving.schema import Rows

WAITING = 1_000  # requests that may wait to be written
LONGEST = 1_000_000  # characters of a logged text


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """One answered request."""

    id: str
    version: Version
    rows: Rows
    answers: Sequence[Answer]
    time: datetime


class RequestLog:
    """Writes answered requests to a file that is set aside when it is full.

    Args:
        options: where, how large, whether with texts.
        dropped: hears how many rows were not written.

    Raises:
        ServingError: the file cannot be written.
    """

    def __init__(self, options: LogOptions, *, dropped: Callable[[int], None] = lambda rows: None) -> None:
        self.options = options
        self._dropped = dropped
        self._waiting: queue.Queue[Logged | None] = queue.Queue(WAITING)
        try:
            self._file = self._open()
        except OSError as problem:
            raise ServingError(
                f"The request log must be a file that can be written. {options.path} cannot: {problem.strerror}. "
                "Choose another."
            ) from problem
        self._thread = threading.Thread(target=self._work, name="tunewright-log", daemon=True)
        self._thread.start()

    def keep(self, request: str, version: Version, rows: Rows, answers: Sequence[Answer]) -> None:
        """Have an answered request written, soon; never waits."""
        try:
            self._waiting.put_nowait(
                Logged(id=request, version=version, rows=rows, answers=answers, time=datetime.now(UTC))
            )
        except queue.Full:
            self._dropped(rows.count)

    def close(self) -> None:
        """Write what waits and close the file."""
        self._waiting.put(None)
        self._thread.join()

    def _work(self) -> None:
        with_more = True
        while with_more:
            entry = self._waiting.get()
            with_more = entry is not None
            if entry is not None:
                try:
                    self._write("".join(lines(entry, text=self.options.text)).encode("ascii"))
                except OSError:  # a full disk must not stop the answers
                    self._dropped(entry.rows.count)
            if self._waiting.empty():
                self._file.flush()
        self._file.close()

    def _write(self, data: bytes) -> None:
        if self._size and self._size + len(data) > self.options.bytes:
            self._file.close()
            self._set_aside()
            self._file = self._open()
        self._file.write(data)
        self._size += len(data)

    def _open(self) -> IO[bytes]:
        self.options.path.parent.mkdir(parents=True, exist_ok=True)
        # Rows of people: for the eyes of whoever runs the server.
        number = os.open(self.options.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        self._size = os.fstat(number).st_size
        return os.fdopen(number, "ab")

    def _set_aside(self) -> None:
        """requests.jsonl becomes requests.1.jsonl, that requests.2.jsonl, …; the oldest goes."""
        path = self.options.path
        named = [path, *(path.with_suffix(f".{n}{path.suffix}") for n in range(1, self.options.files + 1))]
        for older, newer in zip(named[:0:-1], named[-2::-1], strict=True):
            if newer.exists():
                os.replace(newer, older)


def lines(entry: Logged, *, text: bool) -> list[str]:
    """A line of JSON, ASCII only, for each row."""
    kinds = {one.name: one.kind for one in entry.version.schema.inputs}
    made = []
    for row, answer in enumerate(entry.answers):
        line: dict[str, Any] = {
            "_id": entry.id,
            "_row": row,
            "_time": entry.time.isoformat(timespec="milliseconds"),
            "_model": entry.version.model,
            "_version": entry.version.version,
            "_prediction": answer.get("prediction"),
            "_confidence": answer.get("confidence"),
        }
        for name, kind in kinds.items():
            cell = entry.rows.cells[name][row]
            if kind == "text":
                line[f"_characters.{name}"] = 0 if cell is None else len(cell)
            if kind != "text" or text:
                line[name] = _shown(cell)
        made.append(json.dumps(line, default=str) + "\n")
    return made


def _shown(cell: Any) -> Any:
    if isinstance(cell, str):
        return masked(cell[:LONGEST])
    return cell.isoformat() if isinstance(cell, datetime) else cell
