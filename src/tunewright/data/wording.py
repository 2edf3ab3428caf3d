"""Words that agree with a count, and words in a row: one row is, two rows are; a, b and c."""

from __future__ import annotations

from collections.abc import Sequence


def agreeing(count: int, one: str, many: str) -> str:
    """The words that fit a count, without the count: what says it writes large ones in more than one way.

    >>> [f"{count} {agreeing(count, 'row has', 'rows have')} it" for count in (0, 1, 2)]
    ['0 rows have it', '1 row has it', '2 rows have it']
    """
    return one if count == 1 else many


def joined(words: Sequence[str]) -> str:
    """Words in a row, as a sentence has them.

    >>> joined(["a"]), joined(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return " and ".join(part for part in (", ".join(words[:-1]), words[-1]) if part)
