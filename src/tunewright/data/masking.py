"""What nobody wants repeated, taken out of a text that is shown: addresses, card and account numbers, keys.

For showing, not for finding: the detector of personal data has checks that tell it from mere codes. Here whatever looks
like it goes, at the price of a harmless code now and then.
"""

from __future__ import annotations

import re
from collections.abc import Callable

Match = re.Match[str]
_START, _END = r"(?<![\w-])", r"(?![\w-])"
_KEYS = (  # as their makers begin them
    r"[sprw]k[-_](?=[\w-]*\d)[\w-]{12,}|(?:akia|asia)[0-9a-z]{12,}|gh[pousr]_\w{20,}|github_pat_\w{16,}"
    r"|(?:glpat|pypi|hf|npm)[-_][\w-]{16,}|aiza[\w-]{20,}|xox[a-z]-[\w-]{10,}|eyj[\w-]{10,}(?:\.[\w-]+)*"
)


def _address(found: Match) -> str:
    name, _, place = found.group().partition("@")
    _, dot, end = place.rpartition(".")
    return f"{name[0]}***@***{dot}{end if dot else ''}"


def _first(found: Match) -> str:
    return f"{found.group()[0]}***"


def _random(found: Match) -> str:
    """A long word is a key where it has letters of both cases among several digits, or is nothing but hexadecimal."""
    word = found.group()
    mixed = word != word.lower() and word != word.upper() and sum(char.isdigit() for char in word) >= 3
    hexadecimal = len(word) >= 32 and not re.search(r"[^0-9a-fA-F]", word)
    return f"{word[0]}***" if mixed or hexadecimal else word


# Each begins where a word begins, so that a text of one long word is gone through once and not once per letter.
_SHAPES: tuple[tuple[re.Pattern[str], Callable[[Match], str]], ...] = (
    (re.compile(r"(?<![\w.+%-])[\w.+%-]+@[\w-]+(?:\.[\w-]+)*"), _address),
    (re.compile(_START + f"(?:{_KEYS})", re.IGNORECASE), _first),
    (re.compile(_START + r"[A-Za-z0-9]{20,}" + _END), _random),
    (re.compile(_START + r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?" + _END), _first),
    (re.compile(r"(?<![\w.,-])\d(?:[ -]?\d){12,18}" + _END), _first),
    (re.compile(_START + r"\d{3}-\d{2}-\d{4}" + _END), _first),
    (re.compile(r"(?<!\w)\+\d{1,3}(?:[ -]?\(?\d{2,5}\)?){2,5}(?!\w)"), _first),
)


def masked(text: str) -> str:
    """Take out what looks like an e-mail address, a card, account or phone number, or a key, all but its first sign.

    Texts are masked before they are cut: half a key is no longer known for one.

    >>> masked("Write to ann@mail.example, card 4556 7375 8689 9855")
    'Write to a***@***.example, card 4***'
    >>> masked("12,345 of 67,890 rows since 2024-01-31 10:00"), masked("customer_id_2024_backup_table")
    ('12,345 of 67,890 rows since 2024-01-31 10:00', 'customer_id_2024_backup_table')
    """
    for shape, without in _SHAPES:
        text = shape.sub(without, text)
    return text
