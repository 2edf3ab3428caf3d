"""Words that agree with a count: one row is, two rows are."""

from __future__ import annotations


def agreeing(count: int, one: str, many: str) -> str:
    """The words that fit a count, without the count: what says it writes large ones in more than one way.

    >>> [f"{count} {agreeing(count, 'row has', 'rows have')} it" for count in (0, 1, 2)]
    ['0 rows have it', '1 row has it', '2 rows have it']
    """
    return one if count == 1 else many
