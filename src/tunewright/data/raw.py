"""From a path or a URL to the bytes of a data file and their format; gzip is undone, but never without a bound."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from tunewright.data.bounds import refuse_expansion
from tunewright.data.names import suggest
from tunewright.errors import DataError
from tunewright.remote import is_url, name_of, shown

FORMATS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
}
# What no table in text starts with: the first bytes, what is then in the file, and what to do.
OTHERS = (
    (b"\x1f\x8b", "gzip data", "Put .gz behind its name; if that is there, it was packed twice: unpack it once"),
    (b"PK\x03\x04", "a zip archive or an Excel workbook", "Unpack it, or save the sheet as csv"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook", "Save the sheet as csv"),
    (b"\xfd7zXZ\0", "xz data", "Unpack it, or pack it with gzip"),
    (b"\x28\xb5\x2f\xfd", "zstandard data", "Unpack it, or pack it with gzip"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "Unpack it"),
    (b"%PDF-", "a PDF document", "Export the table as csv"),
    (b"SQLite format 3\0", "a SQLite database", "Export the table as csv"),
)
PARQUET = b"PAR1"  # how a Parquet file starts, and how it ends
STEP = 1 << 20
WHAT = "Data at a URL must be a file that can be read."


def load(source: str | Path) -> tuple[bytes, str, int]:
    """Read a data file whole.

    Args:
        source: a file named *.csv, *.tsv, *.txt, *.jsonl, *.ndjson or *.parquet, each also with .gz behind it; a path,
            or a URL of any scheme that fsspec knows.

    Returns:
        Its bytes, decompressed, its format ("csv", "tsv", "jsonl" or "parquet"), and how many bytes it was.

    Raises:
        DataError: no such file, an unknown ending, an empty file, a file of another format than its ending says, a
            damaged or hostile gzip stream; or a URL that does not answer or is not for us.
        MissingExtra: the library for the URL's scheme is not installed.
    """
    name = name_of(source) if is_url(source) else Path(source).name
    where = shown(source) if is_url(source) else str(source)
    form = format_of(name)
    packed = _fetched(source) if is_url(source) else _read(Path(source))
    data = b"".join(unzipped(io.BytesIO(packed), len(packed), where)) if is_packed(name) else packed
    if not data.strip():
        raise nothing_in(where)
    refuse_others(data, data, form, where)
    return data, form, len(packed)


def format_of(name: str) -> str:
    """The format that a file's name says: csv, tsv, jsonl or parquet.

    Raises:
        DataError: an ending that is none of ours.

    >>> format_of("tickets.tsv.gz")
    'tsv'
    """
    plain = Path(name).with_suffix("") if is_packed(name) else Path(name)
    form = FORMATS.get(plain.suffix.lower())
    if form is None:
        hint = " Write one JSON object per line and name it .jsonl." if plain.suffix.lower() == ".json" else ""
        raise DataError(
            f"A data file's ending must be one of {', '.join(FORMATS)} (also with .gz). Got {name!r}."
            f"{hint or ' Rename the file after what it holds, or convert it.'}"
        )
    return form


def is_packed(name: str) -> bool:
    """Whether a file's name says that it is gzipped."""
    return name.lower().endswith(".gz")


def opened(path: Path) -> BinaryIO:
    """A data file, open to be read.

    Raises:
        DataError: there is none, or it is not for us.
    """
    if not path.is_file():
        siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        what = "a folder" if path.is_dir() else "nothing"
        raise DataError(f"Data must be a file. {path} is {what}.{suggest(path.name, siblings)} Check the path.")
    try:
        return path.open("rb")
    except PermissionError as error:
        raise DataError(f"A data file must be readable. {path}: permission denied. Change its permissions.") from error


def unzipped(packed: BinaryIO, size: int, where: str) -> Iterator[bytes]:
    """A gzip stream undone, in steps.

    Args:
        packed: the stream.
        size: bytes of it, against which what comes out is held.
        where: its name, for messages.

    Raises:
        DataError: it is damaged, cut, or expands beyond all bounds.
    """
    total = 0
    try:
        with gzip.open(packed, "rb") as stream:
            while part := stream.read(STEP):
                total += len(part)
                refuse_expansion(total, max(size, 1), where)
                yield part
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"A .gz file must be a whole gzip stream. {where} is damaged or cut. Copy it again from its source."
        ) from error


def nothing_in(where: str) -> DataError:
    """The error about a file with nothing but blanks in it."""
    return DataError(f"A data file needs a header and rows. {where} is empty. Export the data again.")


def refuse_others(start: bytes, end: bytes, form: str, where: str) -> None:
    """Refuse a packed or foreign file under the name of a text file: it would be read as a few damaged lines.

    Args:
        start: bytes at the file's start, unpacked.
        end: bytes at its end.
        form: the format that its name says.
        where: its name, for the message.

    Raises:
        DataError: it holds something else.
    """
    found = next(((what, then) for mark, what, then in OTHERS if start.startswith(mark)), None)
    if form != "parquet" and start.startswith(PARQUET) and end.endswith(PARQUET):
        found = "a Parquet table", "Name it .parquet"
    if found is not None:
        raise DataError(f"A data file must hold what its ending says. {where} holds {found[0]}. {found[1]}.")


def _fetched(url: str) -> bytes:
    from tunewright.remote.files import read_url

    return read_url(url, what=WHAT)


def _read(path: Path) -> bytes:
    with opened(path) as file:
        return file.read()
