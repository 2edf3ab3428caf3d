"""Words exchanged in texts: whole words, in any case, the new one in the case of the old."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from tunewright.errors import PlanError
from tunewright.planfile import show

Words = Mapping[str, str]


def read_swaps(swaps: Mapping[str, str | tuple[str, ...]]) -> tuple[Words, ...]:
    """Read `from` and `to`: which word becomes which, once for each way to exchange them.

    As many words in `to` as in `from` are exchanged one by one, all at once; a single `to` replaces each `from`; a
    single `from` is replaced by each `to` in turn.

    Raises:
        PlanError: other keys, an empty list or word, lists that do not match, a word twice or for itself.

    >>> read_swaps({"from": ("he", "his"), "to": ("she", "her")})
    ({'he': 'she', 'his': 'her'},)
    >>> read_swaps({"from": "Anna", "to": ("Aylin", "Peter")})
    ({'Anna': 'Aylin'}, {'Anna': 'Peter'})
    """
    if set(swaps) != {"from", "to"}:
        raise PlanError(f"must have the keys from and to. Got {show(swaps)}. Write {{from: [he], to: [she]}}.")
    old, new = (_listed(swaps[key]) for key in ("from", "to"))
    if not old or not new or not all(word.strip() for word in (*old, *new)):
        raise PlanError("must name words. Got an empty one, or none. Write {from: [he], to: [she]}.")
    if len({word.lower() for word in old}) < len(old):
        raise PlanError("must name each word of from once. Got one twice; case does not matter. Remove one.")
    if len(old) != len(new) and 1 not in (len(old), len(new)):
        counts = f"Got {len(old)} and {len(new)}"
        raise PlanError(f"must have as many words in to as in from, or one in either. {counts}. Make them match.")
    if len(old) == 1:
        variants = [{old[0]: word} for word in new]
    else:
        variants = [dict(zip(old, new * len(old) if len(new) == 1 else new, strict=False))]
    same = [one for words in variants for one, other in words.items() if one.lower() == other.lower()]
    if same:
        raise PlanError(f"must change each word. Got {same[0]!r} for itself. Remove it.")
    return tuple(variants)


def swap_text(text: str, words: Words) -> str:
    """Exchange whole words, all in one pass, so that two words may trade places.

    >>> swap_text("He met Ann; ANNA met him. He's in.", {"he": "she", "him": "her", "Anna": "Aylin"})
    "She met Ann; AYLIN met her. She's in."
    """
    by_lower = {old.lower(): (old, new) for old, new in words.items()}

    def exchanged(found: re.Match[str]) -> str:
        # Ignoring case, some signs match others that lower() keeps apart ("ſ" and "s").
        pair = by_lower.get(found.group().lower())
        return _in_case(found.group(), *pair) if pair else found.group()

    return pattern(list(words)).sub(exchanged, text)


def pattern(words: Sequence[str]) -> re.Pattern[str]:
    """What finds the words as whole words, in any case; the longest of those that begin alike."""
    longest = sorted(words, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest))})(?!\w)", re.IGNORECASE)


def _in_case(found: str, old: str, new: str) -> str:
    if found == old or found == found.lower():
        return new
    if found == found.upper() and len(found) > 1:
        return new.upper()
    return new[:1].upper() + new[1:]


def _listed(words: str | tuple[str, ...]) -> tuple[str, ...]:
    return (words,) if isinstance(words, str) else tuple(words)
