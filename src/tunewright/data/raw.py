"""From a path to the bytes of a data file and the format they are in; gzip is undone, but never without a bound."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

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
MAX_RATIO = 200
MAX_BYTES = 1 << 30  # beyond this size the ratio decides whether a gzip file is a bomb
STEP = 1 << 20


def load(path: Path) -> tuple[bytes, str]:
    """Read a data file whole.

    Args:
        path: a file named *.csv, *.tsv, *.txt, *.jsonl, *.ndjson or *.parquet, each also with .gz behind it.

    Returns:
        Its bytes, decompressed, and its format: "csv", "tsv", "jsonl" or "parquet".

    Raises:
        DataError: no such file, an unknown ending, an empty file, a damaged or hostile gzip stream.
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
    return data, form


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
                if size > MAX_BYTES and size > MAX_RATIO * packed:
                    raise DataError(
                        f"A gzip file may unpack to {MAX_BYTES >> 20} MiB, or to {MAX_RATIO} times its size. {path} "
                        "goes beyond both. Unpack it yourself if you trust it."
                    )
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(
            f"A .gz file must be a whole gzip stream. {path} is damaged or cut. Copy it again from its source."
        ) from error
    return b"".join(parts)
