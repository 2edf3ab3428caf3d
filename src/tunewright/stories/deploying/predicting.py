"""Answers for every row of a file, block by block into another, however many rows it has and however often killed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

import polars as pl

from tunewright.data.blocks import USUAL, Blocks, BlockSize, open_blocks
from tunewright.errors import RunError
from tunewright.events import Event, Observer, silent
from tunewright.remote import is_url
from tunewright.runfolder import write_bytes
from tunewright.runfolder.partial import Partial, is_begun
from tunewright.version import __version__


class Answering(Protocol):
    """A `Predictor`, or whatever else answers for rows."""

    def predict(self, data: Any, /) -> pl.DataFrame:
        """One row of answers per row, in order."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """How answers come about and how they are written.

    Args:
        model: answers.
        digest: of the model; with another, a file that was begun is not continued.
        form: the name of the format that is written.
        render: answers as text; the second argument says whether they are the first of the file.
    """

    model: Answering
    digest: str
    form: str
    render: Callable[[pl.DataFrame, bool], str]

    def of(self, rows: pl.DataFrame, *, first: bool) -> bytes:
        """The answers for some rows as they are written."""
        return self.render(self.model.predict(rows), first).encode(errors="backslashreplace")


def predict_file(
    answers: Answers, data: str | Path, out: str | Path, *, size: BlockSize = USUAL, observe: Observer = silent
) -> int:
    """Answer for every row of a file, in its order.

    A file of one block is written at once. A longer one grows as `OUT.partial`; the same call goes on where an earlier
    one was killed, and ends with the same bytes. With another model, input, format or size of blocks it begins afresh
    and says so. OUT at a URL is put there once it is whole, and is not continued.

    Args:
        answers: how they come about and how they are written.
        data: a path or a URL, as `read` takes it.
        out: a path or a URL.
        size: rows that are in memory at a time.
        observe: hears how far it is, and when it will be done.

    Returns:
        How many rows were answered.

    Raises:
        DataError: the data cannot be read, lacks a column, or was changed meanwhile.
        RunError: the disk refuses, or another process writes OUT.
    """
    with open_blocks(data, size=size, observe=observe) as blocks:
        if not is_url(out):
            _to_path(answers, blocks, Path(out), size=size, observe=observe)
            return blocks.rows
        from tunewright.remote.files import put_file

        with TemporaryDirectory(prefix="tunewright-") as folder:
            _to_path(answers, blocks, Path(folder, "answers"), size=size, observe=observe)
            put_file(Path(folder, "answers"), out, raising=RunError)
        return blocks.rows


def _to_path(answers: Answers, blocks: Blocks, out: Path, *, size: BlockSize, observe: Observer) -> None:
    only = None if is_begun(out) else _only_block(blocks, size)
    if only is not None:
        write_bytes(out, answers.of(only, first=True))
        return
    with Partial(out, made_from=_made_from(answers, blocks, size)) as file:
        if file.told:
            text = f"{file.partial.name} could not be continued: {file.told}. It begins afresh."
            observe(Event(station="predict", what="note", text=text))
        elif file.rows:
            text = f"goes on: {file.partial.name} has the answers for {file.rows:,} of {blocks.rows:,} rows"
            observe(Event(station="predict", what="note", text=text))
        begun, before = time.monotonic(), file.rows
        for rows in _frames(blocks, before):
            file.append(answers.of(rows, first=file.rows == 0), rows=rows.height)
            seconds = time.monotonic() - begun
            observe(_progress(file.rows, blocks.rows, seconds / (file.rows - before)))
        file.finish()
        observe(Event(station="predict", what="done", data={"seconds": time.monotonic() - begun}))


def _frames(blocks: Blocks, before: int) -> Iterator[pl.DataFrame]:
    return blocks.frames(before) if before < blocks.rows else iter(())


def _only_block(blocks: Blocks, size: BlockSize) -> pl.DataFrame | None:
    """The rows of a file that is a single block."""
    first = next(blocks.frames(0)) if blocks.rows <= size.rows else None
    return first if first is not None and first.height == blocks.rows else None


def _made_from(answers: Answers, blocks: Blocks, size: BlockSize) -> Mapping[str, Any]:
    """What decides every byte of the answers, by the words for it."""
    return {
        "model": answers.digest,
        "input": dict(blocks.identity),
        "format": answers.form,
        "size of blocks": [size.rows, size.bytes],
        "release": __version__,
    }


def _progress(done: int, total: int, seconds_per_row: float) -> Event:
    data = {"done": done, "total": total, "seconds_left": seconds_per_row * (total - done)}
    return Event(station="predict", what="progress", data=data)
