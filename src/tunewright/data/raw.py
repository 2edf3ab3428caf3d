"""From a path or a URL to the bytes of a data file and their format; gzip is undone, but never without a bound."""

from __future__ import annotations

import gzip
import io
import zlib
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
STEP = 1 << 20


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
    form = _format(name)
    packed = _fetched(source) if is_url(source) else _read(Path(source))
    data = _unzip(io.BytesIO(packed), len(packed), where) if name.lower().endswith(".gz") else packed
    if not data.strip():
        raise DataError(f"A data file needs a header and rows. {where} is empty. Export the data again.")
    _refuse_others(data, form, where)
    return data, form, len(packed)


def _fetched(url: str) -> bytes:
    from tunewright.remote.files import read_url

    return read_url(url, what="Data at a URL must be a file that can be read.")


def _read(path: Path) -> bytes:
    if not path.is_file():
        siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        what = "a folder" if path.is_dir() else "nothing"
        raise DataError(f"Data must be a file. {path} is {what}.{suggest(path.name, siblings)} Check the path.")
    try:
        return path.read_bytes()
    except PermissionError as error:
        raise DataError(f"A data file must be readable. {path}: permission denied. Change its permissions.") from error


def _refuse_others(data: bytes, form: str, where: str) -> None:
    """A packed or foreign file under the name of a text file would be read as a few damaged lines."""
    found = next(((what, then) for start, what, then in OTHERS if data.startswith(start)), None)
    if form != "parquet" and data.startswith(b"PAR1") and data.endswith(b"PAR1"):
        found = "a Parquet table", "Name it .parquet"
    if found is not None:
        raise DataError(f"A data file must hold what its ending says. {where} holds {found[0]}. {found[1]}.")


def _format(name: str) -> str:
    plain = Path(name).with_suffix("") if name.lower().endswith(".gz") else Path(name)
    form = FORMATS.get(plain.suffix.lower())
    if form is None:
        hint = " Write one JSON object per line and name it .jsonl." if plain.suffix.lower() == ".json" else ""
        raise DataError(
            f"A data file's ending must be one of {', '.join(FORMATS)} (also with .gz). Got {name!r}."
            f"{hint or ' Rename the file after what it holds, or convert it.'}"
        )
    return form


def _unzip(packed: BinaryIO, size: int, where: str) -> bytes:
    parts: list[bytes] = []
    unpacked = 0
    try:
        with gzip.open(packed, "rb") as stream:
            while part := stream.read(STEP):
                parts.append(part)
                unpacked += len(part)
                refuse_expansion(unpacked, max(size, 1), where)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"A .gz file must be a whole gzip stream. {where} is damaged or cut. Copy it again from its source."
        ) from error
    return b"".join(parts)
