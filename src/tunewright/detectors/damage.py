"""What damaged text looks like: misread in a wrong encoding, characters lost, with markup or unseen characters."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from tunewright.data.mojibake import PATTERN


@dataclass(frozen=True, slots=True, kw_only=True)
class Damage:
    """One sort of damage.

    Args:
        what: as in "3 cells ...", without the noun.
        pattern: a regular expression (of polars) for one damaged place.
        clean: whether the cleaning of text columns repairs it.
        least: rows from which it is worth telling.
        grave: share of the rows from which it is a warning.
    """

    what: str
    pattern: str
    clean: bool = False
    least: int = 3
    grave: float = 0.01


def damaged(texts: pl.Series, damage: Damage) -> pl.Series:
    """Mark the texts with that damage; null is unmarked. Linear.

    >>> damaged(pl.Series(["cafÃ©", "SÃO", None]), MOJIBAKE).to_list()
    [True, False, False]
    """
    return texts.str.contains(damage.pattern).fill_null(False)


MOJIBAKE = Damage(what="hold text that was read in a wrong encoding", least=1, pattern=PATTERN, clean=True)
LOST = Damage(what="hold the sign for a lost character (U+FFFD)", pattern=r"\x{FFFD}", least=1)
CONTROL = Damage(
    what="hold control characters",
    pattern=r"[\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x{84}\x{86}-\x{9F}]",
    clean=True,
    grave=0.05,
)
UNSEEN = Damage(
    what="hold characters that cannot be seen (of no width)",
    pattern=r"[\x{200B}\x{2060}\x{FEFF}\x{AD}\x{180E}]|[A-Za-z][\x{200C}\x{200D}][A-Za-z]",
    clean=True,
    grave=0.05,
)
_TAGS = (
    "a|abbr|article|b|blockquote|body|br|center|code|div|em|font|footer|form|h[1-6]|head|header|hr|html|i|iframe|img"
    "|input|li|link|meta|nav|ol|p|pre|s|script|section|small|span|strike|strong|style|sub|sup|table|tbody|td|th|thead"
    "|tr|tt|u|ul"
)
_NAMES = (
    "amp|lt|gt|quot|apos|nbsp|copy|reg|trade|hellip|mdash|ndash|lsquo|rsquo|ldquo|rdquo|bull|middot|euro|pound|cent"
    "|laquo|raquo|deg|times|[aeiouyn](?:acute|grave|circ|uml|tilde)|szlig|ccedil|aring|oslash|aelig"
)
MARKUP = Damage(
    what="hold HTML",
    pattern=rf"(?i)</?(?:{_TAGS})(?:\s[^<>]{{0,200}}=[^<>]{{0,200}})?\s?/?>|<!--|&(?:{_NAMES});|&#(?:[0-9]{{2,6}}|x[0-9a-f]{{2,5}});",
    clean=True,
    grave=0.05,
)
DAMAGES = (MOJIBAKE, LOST, CONTROL, UNSEEN, MARKUP)
