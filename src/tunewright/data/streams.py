"""A data file in steps: unpacked within bounds, its text as UTF-8, and never more of it in memory than a step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tunewright.data import raw
from tunewright.data.encoding import utf8_parts

Parts = Callable[[], Iterator[bytes]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileSource:
    """A data file on this machine.

    Args:
        path: the file.
        name: what messages call it.
        form: csv, tsv, jsonl or parquet.
        packed: whether it is gzipped.
        size: its bytes, against which what it unpacks to is held.
    """

    path: Path
    name: str
    form: str
    packed: bool
    size: int


def raw_parts(source: FileSource, heard: Callable[[int], None] | None = None) -> Iterator[bytes]:
    """The file's bytes, unpacked, in steps.

    Args:
        source: the file.
        heard: is told after each step how many bytes of the file have been read.

    Raises:
        DataError: it is not there or not for us, or a gzip stream that is damaged or expands beyond all bounds.
    """
    with raw.opened(source.path) as file:
        plain = iter(lambda: file.read(raw.STEP), b"")
        for part in raw.unzipped(file, source.size, source.name) if source.packed else plain:
            if heard is not None:
                heard(file.tell())
            yield part


def text_parts(source: FileSource, heard: Callable[[int], None] | None = None) -> Iterator[bytes]:
    """The file's text as UTF-8 without a byte order mark, in steps; raises what `raw_parts` and `as_utf8` raise."""
    return utf8_parts(raw_parts(source, heard), source.name)


def without_outer_ends(parts: Iterable[bytes]) -> Iterator[bytes]:
    r"""Steps of a text without the line ends before its first and behind its last line.

    >>> list(without_outer_ends([b"\n", b"\r\na\n", b"\n", b"b", b"\n\n"]))
    [b'a', b'\n\nb']
    """
    held, begun = b"", False
    for part in parts:
        part = part if begun else part.lstrip(b"\r\n")
        body = part.rstrip(b"\r\n")
        if body:
            yield held + body
            held, begun = part[len(body) :], True
        elif begun:
            held += part


def refuse_unfit(source: FileSource) -> None:
    """Refuse what `load` refuses before it hands a file on: nothing but blanks, or another format than the name says.

    Raises:
        DataError: it is one of these, or cannot be read.
    """
    start = next(raw_parts(source), b"")
    if not start.strip() and not any(part.strip() for part in raw_parts(source)):
        raise raw.nothing_in(source.name)
    end = b""
    if source.form != "parquet" and start.startswith(raw.PARQUET):
        for part in raw_parts(source):
            end = (end + part)[-len(raw.PARQUET) :]
    raw.refuse_others(start, end, source.form, source.name)
