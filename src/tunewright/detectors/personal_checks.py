"""Whether what looks like personal data is: check digits, numbers that are never given out, entropy of a secret.

Formats are facts of their issuers: Luhn's check digit (ISO/IEC 7812-1), IBAN's remainder mod 97 (ISO 13616), areas that
no US social security number has (SSA), prefixes that no UK insurance number has (HMRC), private networks (RFC 1918).
"""

from __future__ import annotations

import re
from ipaddress import ip_address
from itertools import pairwise
from math import log2

_LENGTHS = (
    "AD24 AE23 AT20 AZ28 BA20 BE16 BG22 BH22 BR29 CH21 CY28 CZ24 DE22 DK18 EE20 ES24 FI18 FR27 GB22 GE22 GI23 GR27 "
    "HR21 HU28 IE22 IL23 IS26 IT27 JO30 KW30 KZ20 LB28 LI21 LT20 LU20 LV21 MC27 MD24 ME22 MK19 MT31 NL18 NO15 PK24 "
    "PL28 PT25 QA29 RO24 RS22 SA24 SE24 SI19 SK24 SM27 TN24 TR26 UA29 XK20"
)
IBAN_LENGTH = {word[:2]: int(word[2:]) for word in _LENGTHS.split()}
_ISSUER = re.compile(r"(?:4|5[1-5]|2[2-7]|6011|64[4-9]|65|35|62)\d+|3(?:0[0-5]|[4678])\d+")
_DATE = re.compile(r"(?<!\d)(?:\d{1,2}([-./])\d{1,2}\1\d{2,4}|\d{4}([-./])\d{1,2}\2\d{1,2})(?!\d)")
_NUMBER_OF = re.compile(
    r"(?:order|ref|reference|invoice|ticket|tracking|serial|part|model|sku|isbn|ean|case|account|customer|item|article)"
    r"\W{0,3}(?:id|no|nr|num|number|code)?\W{0,3}(?:is\W)?$",
    re.I,
)


def luhn(digits: str) -> bool:
    """Whether the last digit is the check digit of the others.

    >>> luhn("4242424242424242"), luhn("4242424242424243")
    (True, False)
    """
    doubled = [int(char) * (1 + place % 2) for place, char in enumerate(reversed(digits))]
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0


def is_account(text: str) -> bool:
    """Whether letters and digits, blanks aside, are an account number of a country that has them.

    >>> is_account("DE89 3704 0044 0532 0130 00"), is_account("DE88 3704 0044 0532 0130 00")
    (True, False)
    """
    plain = re.sub(r"\s", "", text)
    if IBAN_LENGTH.get(plain[:2]) != len(plain):
        return False
    return int("".join(str(int(char, 36)) for char in plain[4:] + plain[:4])) % 97 == 1


def entropy(text: str) -> float:
    """Bits per character of a text's own letter frequencies.

    >>> entropy("aaaa"), entropy("abcd")
    (0.0, 2.0)
    """
    counts = [text.count(char) for char in set(text)]
    return sum(-count / len(text) * log2(count / len(text)) for count in counts) + 0.0


def digits_of(text: str) -> str:
    """The digits of a text, in their order."""
    return re.sub(r"\D", "", text)


def is_card(found: re.Match[str]) -> bool:
    """An issuer's prefix, its length, and the check digit."""
    digits = digits_of(found[0])
    wanted = {"30": 14, "36": 14, "38": 14, "34": 15, "37": 15}.get(digits[:2], 16)
    return len(digits) == wanted and len(set(digits)) > 1 and bool(_ISSUER.fullmatch(digits)) and luhn(digits)


def is_iban(found: re.Match[str]) -> bool:
    """See `is_account`."""
    return is_account(found[0])


def is_secret(found: re.Match[str]) -> bool:
    """A token in its issuer's form, or what stands behind "password:" and is no word."""
    value = found.groupdict().get("value")
    if value is None:
        return found[0].startswith(("AKIA", "ASIA", "-----")) or bool(re.search(r"\d", found[0]))
    value = value.rstrip(".,;!?")
    mixed = re.search(r"\d", value) and re.search(r"[A-Za-z]", value)
    return bool(mixed) and len(value) >= 12 and entropy(value) >= 3.2


def is_social(found: re.Match[str]) -> bool:
    """An area, a group and a serial number that are given out."""
    area, group, serial = found[0].split(found[0][3])
    return area not in ("000", "666") and area < "900" and group != "00" and serial != "0000"


def is_insured(found: re.Match[str]) -> bool:
    """A prefix and a suffix that are given out."""
    plain = found[0].replace(" ", "")
    return plain[:2] not in ("BG", "GB", "KN", "NK", "NT", "TN", "ZZ") and plain[-1] in "ABCD"


def is_address(found: re.Match[str]) -> bool:
    """A public address; "1.2.3.4" is more likely a version."""
    try:
        address = ip_address(found[0])
    except ValueError:
        return False
    home = address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast
    if address.version == 6:
        return not home
    parts = [int(part) for part in found[0].split(".")]
    inner = parts[0] in (0, 10) or parts[:2] == [192, 168] or (parts[0] == 172 and 16 <= parts[1] < 32)
    before = found.string[max(found.start() - 12, 0) : found.start()].lower()
    versioned = re.search(r"(?:v|ver|version|release|build|firmware|update)\W*$", before)
    return not home and not inner and not versioned and sum(part >= 20 for part in parts) >= 2


def is_phone(found: re.Match[str]) -> bool:
    """Not a date, not a row of counted numbers, not announced as the number of something else."""
    text, digits = found[0], digits_of(found[0])
    if _DATE.search(text) or len(set(digits)) < 3 or digits in "01234567890123456789":
        return False
    pairs = [int(digits[place : place + 2]) for place in range(0, len(digits) - 1, 2)]
    if all(later - pair == 1 for pair, later in pairwise(pairs)):
        return False  # "01 02 03 04 05"
    if text.startswith("+"):
        return 8 <= len(digits) <= 15 and not digits.endswith("0000")
    return not _NUMBER_OF.search(found.string[max(found.start() - 24, 0) : found.start()])
