"""A data file in blocks of rows: cell by cell what `read` gives for the whole, but only a block at a time in memory.

The file is looked through once before the first block is given: its rows are counted, a file that `read` refuses is
refused, and what depends on all of it (the delimiter's quotes, the types of JSON columns) is found out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import polars as pl

from tunewright.data import raw
from tunewright.data.delimited_blocks import delimited_frames, look_through
from tunewright.data.object_blocks import look_through_objects, object_frames
from tunewright.data.parquet_blocks import look_through_parquet, parquet_frames
from tunewright.data.regroup import BlockSize, from_row, regrouped
from tunewright.data.streams import FileSource, raw_parts, refuse_unfit, text_parts, without_outer_ends
from tunewright.errors import DataError
from tunewright.events import Event, Observer, silent
from tunewright.remote import is_url, name_of, shown

__all__ = ["USUAL", "BlockSize", "Blocks", "open_blocks"]

USUAL: Final = BlockSize()

_Heard = Callable[[int, int], None]
_From = Callable[[int], Iterator[pl.DataFrame]]
_Frames = Callable[[], Iterator[tuple[pl.DataFrame, int]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """A data file that is open to be read in blocks.

    Args:
        rows: data rows of the file.
        name: what messages call it.
        identity: what tells its content from another, as plain JSON: of a file on this disk its size, when it was
            changed and a digest of its first bytes; of a file at a URL its digest.
        frames: gives the blocks from a row on, the first of them cut where that row is within it.
    """

    rows: int
    name: str
    identity: Mapping[str, Any]
    frames: _From


@contextmanager
def open_blocks(where: str | Path, *, size: BlockSize = USUAL, observe: Observer = silent) -> Iterator[Blocks]:
    r"""Open a data file to be read in blocks; findings are not made, and rows that cannot be read are null.

    Nothing of it is held in memory. A file at a URL, and a gzipped Parquet file unpacked, is kept in a temporary folder
    until the block ends.

    Args:
        where: a path or a URL, as `read` takes it.
        size: how large a block may be.
        observe: hears how far the first look has come.

    Raises:
        DataError: whatever `read` refuses; while the blocks are read, that the file was changed meanwhile.
        MissingExtra: the library for the URL's scheme is not installed.

    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder, "t.csv")
    ...     _ = path.write_text("a,b\n1,x\n2,y\n3,z\n")
    ...     with open_blocks(path, size=BlockSize(rows=2)) as blocks:
    ...         blocks.rows, [block.height for block in blocks.frames(0)]
    (3, [2, 1])
    """
    with ExitStack() as stack:
        source, identity = _brought(where, stack)
        refuse_unfit(source)
        if source.form == "parquet" and source.packed:
            source = _unpacked(source, stack)

        def heard(done: int, total: int) -> None:
            observe(Event(station="reading", what="progress", data={"done": done, "total": total}))

        rows, frames = (_parquet if source.form == "parquet" else _text)(source, size, heard)

        def checked(start: int) -> Iterator[pl.DataFrame]:
            yield from frames(start)
            if not is_url(where) and _identity(Path(where)) != identity:
                raise _changed(source.name)

        yield Blocks(rows=rows, name=source.name, identity=identity, frames=checked)


def _brought(where: str | Path, stack: ExitStack) -> tuple[FileSource, dict[str, Any]]:
    """The file on this machine, and what tells its content from another."""
    name, shown_name = (name_of(where), shown(where)) if is_url(where) else (Path(where).name, str(where))
    form = raw.format_of(name)
    if is_url(where):
        from tunewright.remote.files import fetch

        path = _room(stack) / f"fetched.{form}"
        identity: dict[str, Any] = {"sha256": fetch(where, path, what=raw.WHAT, raising=DataError)}
    else:
        path = Path(where)
        identity = _identity(path)
    size = path.stat().st_size
    return FileSource(path=path, name=shown_name, form=form, packed=raw.is_packed(name), size=size), identity


def _identity(path: Path) -> dict[str, Any]:
    with raw.opened(path) as file:
        start = hashlib.sha256(file.read(raw.STEP)).hexdigest()
    facts = path.stat()
    return {"bytes": facts.st_size, "changed": facts.st_mtime_ns, "start": start}


def _unpacked(source: FileSource, stack: ExitStack) -> FileSource:
    """A Parquet file is not read from its start to its end: packed, it has to be unpacked first."""
    path = _room(stack) / "unpacked.parquet"
    with path.open("wb") as file:
        for part in raw_parts(source):
            file.write(part)
    return FileSource(path=path, name=source.name, form=source.form, packed=False, size=source.size)


def _room(stack: ExitStack) -> Path:
    return Path(stack.enter_context(TemporaryDirectory(prefix="tunewright-")))


def _parquet(source: FileSource, size: BlockSize, heard: _Heard) -> tuple[int, _From]:
    found = look_through_parquet(source.path, name=source.name, size=source.size, block=size, heard=heard)
    return found.rows, lambda start: parquet_frames(found, start)


def _text(source: FileSource, size: BlockSize, heard: _Heard) -> tuple[int, _From]:
    look = _objects if source.form == "jsonl" else _delimited
    rows, frames = look(source, lambda done: heard(done, source.size))
    return rows, lambda start: from_row(regrouped(frames(), size), start)


def _objects(source: FileSource, heard: Callable[[int], None]) -> tuple[int, _Frames]:
    columns = look_through_objects(lambda: text_parts(source, heard), file=source.name)
    return columns.rows, lambda: object_frames(columns, lambda: text_parts(source))


def _delimited(source: FileSource, heard: Callable[[int], None]) -> tuple[int, _Frames]:
    def first() -> Iterator[bytes]:
        return without_outer_ends(text_parts(source, heard))

    def then() -> Iterator[bytes]:
        return without_outer_ends(text_parts(source))

    found = look_through(first, tabs=source.form == "tsv", file=source.name)
    return found.rows, lambda: _sound(delimited_frames(found, then), source.name)


def _sound(frames: Iterable[tuple[pl.DataFrame | None, int]], name: str) -> Iterator[tuple[pl.DataFrame, int]]:
    for frame, taken in frames:
        if frame is None:
            raise _changed(name)
        yield frame, taken


def _changed(name: str) -> DataError:
    return DataError(
        f"A data file must stay as it is while it is read. {name} was changed meanwhile. Run the same command again "
        "once nobody writes to it."
    )
