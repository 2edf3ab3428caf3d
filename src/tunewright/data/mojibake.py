"""Text in UTF-8 that was read as Windows-1252, Latin-1 or Mac Roman ("cafÃ©" for "café"): told, and put right."""

from __future__ import annotations

import re

_TIMES = 3  # such text may have been through it more than once


def _class(first: int, last: int, *, without: str = "") -> str:
    """The characters that Windows-1252 and Latin-1 have for a range of bytes, as a class of a regular expression."""
    found = set()
    for byte in range(first, last + 1):
        found |= {bytes([byte]).decode("cp1252", "ignore"), chr(byte)} - {""}
    return "[" + "".join(f"\\x{{{ord(char):X}}}" for char in sorted(found - set(without))) + "]"


# A letter followed by one of these is usual writing ("JOSÉ”", "Spaß«"); by another of the range it is misread UTF-8.
_SIGNS = "…‘’“”–—•«»‹›‚„\u00a0\u00ad"
_ANY, _ODD = _class(0x80, 0xBF), _class(0x80, 0xBF, without=_SIGNS)
_RARE = _class(0x80, 0xBF, without=_SIGNS + "¹²³°")  # "Å²" is a unit
_TWO, _THREE, _FOUR = _class(0xC4, 0xDF), _class(0xE0, 0xEF), _class(0xF0, 0xF4)
# One misread place, as a regular expression of polars.
PATTERN = "|".join(
    (
        rf"[\x{{C2}}\x{{C3}}]{_ODD}",  # Latin letters and signs: "Ã©", "Â£"
        rf"\x{{C3}}{_ANY}\p{{Ll}}",
        rf"[\x{{C4}}\x{{C5}}](?:{_RARE}|{_ANY}\p{{L}})",  # letters of Central Europe: "Å‚a", "Å“u"
        rf"(?:{_TWO}{_ANY}){{2}}",  # Greek, Cyrillic, Hebrew: at least two letters in a row
        rf"{_THREE}(?:{_ODD}{_ANY}|{_ANY}{_ODD})",  # typographic signs, Asian scripts: "â€™"
        rf"{_FOUR}{_ANY}{{3}}",  # emoji
        r"\x{201A}\x{C4}[\x{EC}-\x{FC}]|\x{221A}[\x{A9}\x{AE}\x{B0}\x{A7}\x{A5}\x{BA}]",  # UTF-8 as Mac Roman
        r"\x{EF}\x{BF}\x{BD}|\x{EF}\x{BB}\x{BF}",
    )
)


def _python(pattern: str) -> str:
    """The same for Python's `re`; a letter in lower case is there one that is no digit and not in A-Z."""
    plain = re.sub(r"\\x\{([0-9A-F]+)\}", lambda found: re.escape(chr(int(found[1], 16))), pattern)
    return plain.replace(r"\p{Ll}", r"[^\W\d_A-Z]").replace(r"\p{L}", r"[^\W\d_]")


_MISREAD = re.compile(_python(PATTERN))
# What UTF-8 has for one character: a first byte that says how many follow.
_WHOLE = re.compile(
    _python(
        f"{_class(0xC2, 0xDF)}{_ANY}|{_class(0xE0, 0xEF)}{_ANY}{{2}}|{_class(0xF0, 0xF4)}{_ANY}{{3}}"
        r"|[\x{201A}\x{221A}][^\x00-\x7f]{1,2}"
    )
)


def put_right(text: str) -> str:
    """Read misread places as the UTF-8 that they are; text without any, and what does not decode, stays.

    >>> put_right("cafÃ© â€“ itâ€™s"), put_right("JOSÉ” in SÃO PAULO"), put_right("Ð\u009fÑ€Ð¸Ð²ÐµÑ‚")
    ('café – it’s', 'JOSÉ” in SÃO PAULO', 'Привет')
    """
    for _ in range(_TIMES):
        if text.isascii() or not _MISREAD.search(text):
            return text
        again = _WHOLE.sub(lambda found: _decoded(found[0]), text)
        if again == text:
            return text
        text = again
    return text


def _decoded(piece: str) -> str:
    mac = piece[0] in "\u201a\u221a"
    for cut in (piece, piece[:2]) if mac else (piece,):
        try:
            data = cut.encode("mac_roman") if mac else b"".join(map(_byte, cut))
            return data.decode("utf-8") + piece[len(cut) :]
        except UnicodeError:
            continue
    return piece


def _byte(char: str) -> bytes:
    try:
        return char.encode("cp1252")
    except UnicodeEncodeError:
        return char.encode("latin-1")
