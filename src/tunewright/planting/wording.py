"""Small changes to a text, as people make them when they write the same thing again."""

from __future__ import annotations

import unicodedata

import numpy as np

from tunewright.planting.drawing import pick, shuffled

SIMILAR = 0.8  # Jaccard of character 5-shingles from which on texts count as near-duplicates
SHINGLE = 5
ASIDES = ("please", "thanks", "again", "also", "now", "today", "really", "just", "so", "ok")
TRIES = 12


def reworded(
    text: str, rng: np.random.Generator, *, similar: float = SIMILAR, between: tuple[str, str] = ("", "")
) -> str | None:
    """A text that differs in a few letters or words and stays similar; None where that is not possible.

    Args:
        text: what is changed.
        rng: draws the edits: three at first, fewer where the text is too short for so many.
        similar: least Jaccard similarity of the character 5-shingles.
        between: text of the same row before and behind it, which stays and is compared along with it.

    >>> reworded("Where is the parcel that I ordered last week?", np.random.default_rng(0))
    'WWhere is the parcel that I ordered last week? really'
    """
    left, right = between
    before = folded(left + text + right)
    for attempt in range(TRIES):
        edits = max(1, 3 - attempt // 3)
        words = text.split(" ")
        for _ in range(edits):
            words = _edited(words, rng)
        changed = " ".join(words)
        after = folded(left + changed + right)
        if after != before and jaccard(before, after) >= similar:
            return changed
    for mark in shuffled((".", "!", "?"), rng):
        changed = text.rstrip() + mark
        if jaccard(before, folded(left + changed + right)) >= similar:
            return changed
    return None


def folded(text: str) -> str:
    """Without the differences that nobody would call one: Unicode form, case, white space."""
    return " ".join(unicodedata.normalize("NFKC", text).lower().split())


def jaccard(a: str, b: str) -> float:
    """Share of the character 5-shingles of either text that both have; a shorter text is one shingle.

    >>> round(jaccard("a blue parcel", "a blue parcels"), 2)
    0.9
    """
    first, second = _shingles(a), _shingles(b)
    return len(first & second) / len(first | second)


def _shingles(text: str) -> set[str]:
    return {text[start : start + SHINGLE] for start in range(max(len(text) - SHINGLE, 0) + 1)}


def _edited(words: list[str], rng: np.random.Generator) -> list[str]:
    """One edit: a slip in a word, a word more, or a word less."""
    place = int(rng.integers(len(words)))
    kind = rng.random()
    if kind < 0.6:
        return [*words[:place], _slip(words[place], rng), *words[place + 1 :]]
    if kind < 0.85 or len(words) < 6:
        end = len(words) if rng.random() < 0.5 else place
        return [*words[:end], pick(ASIDES, rng), *words[end:]]
    return [*words[:place], *words[place + 1 :]]


def _slip(word: str, rng: np.random.Generator) -> str:
    """A typing slip: two letters swapped, one left out or one doubled."""
    if len(word) < 3:
        return word
    at = int(rng.integers(len(word) - 1))
    kind = rng.integers(3)
    if kind == 0:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :] if kind == 1 else word[:at] + word[at] + word[at:]
