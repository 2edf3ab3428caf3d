"""From bytes to text, line by line, with word of what was wrong with them."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Literal

from tunewright.errors import DataError

Damage = Literal["nul", "surrogate", "foreign"]

MAX_FIELD = 10_000_000  # characters in one cell
FOREIGN = "hold bytes that are not UTF-8, which were read as Windows-1252"
BOM = b"\xef\xbb\xbf"
_HEAD = 64  # bytes that tell how a file is encoded
_LATIN = re.compile("[\u00a0-\u024f\u2010-\u2122]")  # letters of European languages, and their punctuation


def as_utf8(data: bytes, file: str) -> bytes:
    """Drop a byte order mark; turn UTF-16 (which needs one) into UTF-8.

    Raises:
        DataError: the mark says UTF-16 and the rest is not; UTF-32, or UTF-16 without its mark.

    >>> as_utf8("a,b".encode("utf-16"), "t.csv")
    b'a,b'
    """
    if not _is_utf16(data[:_HEAD], file):
        return data.removeprefix(BOM)
    try:
        return data.decode("utf-16").encode("utf-8")
    except UnicodeError as error:
        raise _not_utf16(file) from error


def utf8_parts(parts: Iterable[bytes], file: str) -> Iterator[bytes]:
    r"""What `as_utf8` gives, for a file that comes in steps.

    Raises:
        DataError: as `as_utf8`.

    >>> b"".join(utf8_parts([b"\xff", b"\xfea\0,", b"\0b\0"], "t.csv"))
    b'a,b'
    """
    steps = iter(parts)
    first = b""
    while len(first) < _HEAD and (part := next(steps, b"")):
        first += part
    if not _is_utf16(first[:_HEAD], file):
        yield from (part for part in chain((first.removeprefix(BOM),), steps) if part)
        return
    decoder = codecs.getincrementaldecoder("utf-16")()
    try:
        for part in chain((first,), steps):
            if text := decoder.decode(part):
                yield text.encode("utf-8")
        decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise _not_utf16(file) from error


def _is_utf16(head: bytes, file: str) -> bool:
    """Whether a file that starts so is UTF-16 with its mark; otherwise it is taken for UTF-8."""
    if head.startswith((b"\xff\xfe\0\0", b"\0\0\xfe\xff")):
        raise DataError(f"Text must be UTF-8. {file} is UTF-32. Save it as UTF-8.")
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return True
    if _is_wide(head):
        raise DataError(f"Text must be UTF-8. {file} looks like UTF-16 without its mark. Save it as UTF-8.")
    return False


def _not_utf16(file: str) -> DataError:
    return DataError(f"Text must be UTF-8. {file} starts as UTF-16 and is not. Save it as UTF-8.")


def _is_wide(head: bytes) -> bool:
    """Whether every second byte of a start is NUL, as in UTF-16 of a header that is mostly ASCII."""
    return any(head[place::2].count(0) > 0.8 * (len(head) // 2) > 1 for place in (0, 1))


def is_clean(data: bytes) -> bool:
    r"""Tell whether bytes are UTF-8 without NUL.

    >>> is_clean("né".encode()), is_clean("né".encode("latin-1")), is_clean(b"a\0")
    (True, False, False)
    """
    if b"\0" in data:
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def decode_line(line: bytes) -> tuple[str, Damage | None]:
    r"""Decode one line; bytes that are not UTF-8 ("foreign") are taken for Windows-1252, where it has gaps for Latin-1.

    A line may hold both encodings, as where the columns of two sources were joined: what is UTF-8 in it stays, unless
    it is little and strange, which is how an upper case letter before a quotation mark looks in Windows-1252.

    >>> decode_line("né".encode("latin-1")), decode_line(b"a\0"), decode_line("né,".encode() + b"\xe9")
    (('né', 'foreign'), ('a\x00', 'nul'), ('né,é', 'foreign'))
    """
    damage: Damage | None = "nul" if b"\0" in line else None
    try:
        return line.decode("utf-8"), damage
    except UnicodeDecodeError:
        pass
    try:
        return line.decode("utf-8", "surrogatepass"), damage or "surrogate"
    except UnicodeDecodeError:
        pass
    return _of_two_encodings(line), damage or "foreign"


def _of_two_encodings(line: bytes) -> str:
    text = line.decode("utf-8", _WINDOWS)
    sound = line.decode("utf-8", "ignore")
    strange = any(not char.isascii() and not _LATIN.match(char) for char in sound)
    wide = sum(not char.isascii() for char in sound)
    if strange and wide <= len(text) - len(sound):
        return _windows(line)
    return text


def _windows(data: bytes) -> str:
    try:
        return data.decode("cp1252")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    """What stands in for the bytes that an error is about, and where to go on."""
    assert isinstance(error, UnicodeDecodeError)
    return _windows(error.object[error.start : error.end]), error.end


_WINDOWS = "tunewright.windows-1252"
codecs.register_error(_WINDOWS, _as_windows)


def has_surrogate(text: str) -> bool:
    r"""Tell whether half of a surrogate pair is in a text, which no UTF-8 file can hold.

    >>> has_surrogate("a\ud800"), has_surrogate("a")
    (True, False)
    """
    return not text.isascii() and any("\ud800" <= char <= "\udfff" for char in text)


# Worst first: how a finding words the damage, and which cells of a row show it.
DAMAGES: tuple[tuple[Damage, str, Callable[[str], bool]], ...] = (
    ("nul", "hold a NUL byte", lambda cell: "\0" in cell),
    ("surrogate", "hold a lone surrogate", has_surrogate),
    ("foreign", FOREIGN, lambda cell: not cell.isascii()),
)
