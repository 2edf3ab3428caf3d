"""From bytes to text, line by line, with word of what was wrong with them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from tunewright.errors import DataError

Damage = Literal["nul", "surrogate", "foreign"]

MAX_FIELD = 10_000_000  # characters in one cell
BOM = b"\xef\xbb\xbf"


def as_utf8(data: bytes, file: str) -> bytes:
    """Drop a byte order mark; turn UTF-16 (which needs one) into UTF-8.

    Raises:
        DataError: the mark says UTF-16 and the rest is not.

    >>> as_utf8("a,b".encode("utf-16"), "t.csv")
    b'a,b'
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return data.decode("utf-16").encode("utf-8")
        except UnicodeError as error:
            raise DataError(f"Text must be UTF-8. {file} starts as UTF-16 and is not. Save it as UTF-8.") from error
    return data.removeprefix(BOM)


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
    r"""Decode one line; what is not UTF-8 is taken for Windows-1252, where that has gaps for Latin-1 ("foreign").

    >>> decode_line("né".encode("latin-1")), decode_line(b"a\0")
    (('né', 'foreign'), ('a\x00', 'nul'))
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
    try:
        return line.decode("cp1252"), damage or "foreign"
    except UnicodeDecodeError:
        return line.decode("latin-1"), damage or "foreign"


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
    ("foreign", "are not UTF-8 and were read as Windows-1252", lambda cell: not cell.isascii()),
)
