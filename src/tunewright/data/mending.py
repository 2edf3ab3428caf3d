"""Values of a category that are one value written in several ways, and words among them for "nothing here"."""

from __future__ import annotations

import polars as pl

from tunewright.data.disguised import NOTHING, disguised_words
from tunewright.data.mojibake import PATTERN, put_right
from tunewright.data.spellings import label_variants

MOST = 5_000  # distinct values beyond which a column names rows
USUAL = 5  # rows that a spelling needs to be the usual one


def value_spellings(values: pl.Series) -> dict[str, str]:
    """Every unusual spelling of a category's values to the usual one.

    What differs only in case, blanks or punctuation is one value, if five rows spell it the usual way; what was read in
    a wrong encoding is put right. Nothing in columns that name rows.

    Args:
        values: (n,) text as read. Linear.

    >>> value_spellings(pl.Series(["Rome"] * 6 + ["rome ", "Paris", "ROME", "KÃ¶ln"]))
    {'ROME': 'Rome', 'rome ': 'Rome', 'KÃ¶ln': 'Köln'}
    """
    counts = {str(value): int(n) for value, n in values.drop_nulls().value_counts(name="\0rows").rows()}
    if not counts or len(counts) > min(MOST, sum(counts.values()) / 2):
        return {}
    usual = label_variants(dict(sorted(counts.items())), sure=True)
    found = {value: usual[value] for value in sorted(usual) if counts[usual[value]] >= USUAL}
    broken = pl.Series(sorted(counts), dtype=pl.String)
    for value in broken.filter(broken.str.contains(PATTERN)).to_list():
        if (right := put_right(value)) != value:
            found[value] = found.get(right, right)
    return found


def empty_words(values: pl.Series) -> tuple[str, ...]:
    """Values that are words for "nothing here" and can be nothing else, such as "?" and "N/A" among cities.

    >>> empty_words(pl.Series(["Rome", "?", "N/A", "none", "Paris"]))
    ('?', 'N/A')
    """
    words = disguised_words(values, among=values)
    return tuple(word for word in words if word.strip().lower() in NOTHING - {""})
