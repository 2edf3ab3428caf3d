"""Texts with data of persons, or with keys."""

from __future__ import annotations

import string
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Planted
from tunewright.planting.drawing import changed, draw, pick, present, put

GIVEN = ("maria", "tom", "aisha", "jonas", "wei", "carla", "peter", "yuki")
FAMILY = ("keller", "okafor", "lindqvist", "moreau", "tanaka", "brandt", "silva", "novak")
HOSTS = ("inboxly", "postfach", "mailhaven", "quickmail")
ENDINGS = ("com", "net", "org", "de", "co.uk")


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonalData:
    """Put an invented e-mail address, phone number, card number (with a right check digit) or access key into texts.

    Args:
        rate: share of the rows.
    """

    name: ClassVar[str] = "personal_data"
    kind: ClassVar[str] = "sensitive"
    also: ClassVar[tuple[str, ...]] = ()
    of: ClassVar[str] = "rows"
    touches: ClassVar[str] = "text"
    rate: float = 0.01

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Put in; nothing to do without text."""
        if not about.texts:
            return None
        column = pick(about.texts, rng)
        rows = draw(present(frame, column, about.rows), self.rate, rng)
        if rows is None:
            return None
        texts = [_with(text, pick(MAKERS, rng)(rng), rng) for text in frame[column][rows].to_list()]
        return changed(put(frame, column, rows, texts), rows, (column,))


def _with(text: str, datum: str, rng: np.random.Generator) -> str:
    return f"{text.rstrip()} {datum}" if rng.random() < 0.6 else f"{datum} {text.lstrip()}"


def _address(rng: np.random.Generator) -> str:
    sign = pick((".", "_", ""), rng)
    return f"{pick(GIVEN, rng)}{sign}{pick(FAMILY, rng)}{rng.integers(1, 99)}@{pick(HOSTS, rng)}.{pick(ENDINGS, rng)}"


def _phone(rng: np.random.Generator) -> str:
    """Numbers of the ranges that are kept free for fiction."""
    area, last = rng.integers(201, 989), rng.integers(100, 200)
    mobile = rng.integers(0, 1000)
    return pick((f"+1 {area} 555 0{last}", f"({area}) 555-0{last}", f"+44 7700 900{mobile:03d}"), rng)


def _card(rng: np.random.Generator) -> str:
    digits = [4, *rng.integers(0, 10, 14).tolist()]
    digits.append((10 - luhn([*digits, 0])) % 10)
    number = "".join(str(digit) for digit in digits)
    return pick((" ", "-", ""), rng).join(number[start : start + 4] for start in range(0, 16, 4))


def luhn(digits: list[int]) -> int:
    """Check sum of a card number: 0 where the number is right.

    >>> luhn([7, 9, 9, 2, 7, 3, 9, 8, 7, 1, 3])
    0
    """
    doubled = [digit * 2 - 9 * (digit > 4) if place % 2 else digit for place, digit in enumerate(reversed(digits))]
    return sum(doubled) % 10


def _key(rng: np.random.Generator) -> str:
    letters = string.ascii_letters + string.digits
    secret = "".join(pick(letters, rng) for _ in range(36))
    capitals = "".join(pick(string.ascii_uppercase + "234567", rng) for _ in range(16))
    return pick((f"ghp_{secret}", f"AKIA{capitals}", f"sk_live_{secret[:24]}"), rng)


MAKERS: tuple[Callable[[np.random.Generator], str], ...] = (_address, _phone, _card, _key)
