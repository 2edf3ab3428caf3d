"""From a path to the bytes of a data file and the format they are in; gzip is undone, but never without a bound."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

from tunewright.data.bounds import refuse_expansion
from tunewright.data.names import suggest
from tunewright.errors import DataError

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


def load(path: Path) -> tuple[bytes, str]:
    """Read a data file whole.

    Args:
        path: a file named *.csv, *.tsv, *.txt, *.jsonl, *.ndjson or *.parquet, each also with .gz behind it.

    Returns:
        Its bytes, decompressed, and its format: "csv", "tsv", "jsonl" or "parquet".

    Raises:
        DataError: no such file, an unknown ending, an empty file, a file of another format than its ending says, a
            damaged or hostile gzip stream.
    """
    form = _format(path)
    if not path.is_file():
        siblings = [p.name for p in path.parent.iterdir()] if path.parent.is_dir() else []
        what = "a folder" if path.is_dir() else "nothing"
        raise DataError(f"Data must be a file. {path} is {what}.{suggest(path.name, siblings)} Check the path.")
    try:
        data = _unzip(path) if path.suffix.lower() == ".gz" else path.read_bytes()
    except PermissionError as error:
        raise DataError(f"A data file must be readable. {path}: permission denied. Change its permissions.") from error
    if not data.strip():
        raise DataError(f"A data file needs a header and rows. {path} is empty. Export the data again.")
    _refuse_others(data, form, path)
    return data, form


def _refuse_others(data: bytes, form: str, path: Path) -> None:
    """A packed or foreign file under the name of a text file would be read as a few damaged lines."""
    found = next(((what, then) for start, what, then in OTHERS if data.startswith(start)), None)
    if form != "parquet" and data.startswith(b"PAR1") and data.endswith(b"PAR1"):
        found = "a Parquet table", "Name it .parquet"
    if found is not None:
        raise DataError(f"A data file must hold what its ending says. {path} holds {found[0]}. {found[1]}.")


def _format(path: Path) -> str:
    plain = path.with_suffix("") if path.suffix.lower() == ".gz" else path
    form = FORMATS.get(plain.suffix.lower())
    if form is None:
        hint = " Write one JSON object per line and name it .jsonl." if plain.suffix.lower() == ".json" else ""
        raise DataError(
            f"A data file's ending must be one of {', '.join(FORMATS)} (also with .gz). Got {path.name!r}."
            f"{hint or ' Rename the file after what it holds, or convert it.'}"
        )
    return form


def _unzip(path: Path) -> bytes:
    packed = max(path.stat().st_size, 1)
    parts: list[bytes] = []
    size = 0
    try:
        with gzip.open(path, "rb") as stream:
            while part := stream.read(STEP):
                parts.append(part)
                size += len(part)
                refuse_expansion(size, packed, path)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"A .gz file must be a whole gzip stream. {path} is damaged or cut. Copy it again from its source."
        ) from error
    return b"".join(parts)
