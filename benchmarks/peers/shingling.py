"""The definition that every arm is held to: character 5-shingles of the folded text, compared by Jaccard similarity."""

from __future__ import annotations

import unicodedata

SHINGLE = 5


def folded(text):
    """Without what a reader would not call a difference: Unicode form (NFKC), case, runs of white space."""
    return " ".join((text if text.isascii() else unicodedata.normalize("NFKC", text)).lower().split())


def shingles(text):
    """The set of a folded text's shingles; a shorter text is one shingle by itself."""
    return {text[start : start + SHINGLE] for start in range(max(len(text) - SHINGLE + 1, 1))}


def alike(a, b, threshold):
    """Whether two sets reach the threshold."""
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared) >= threshold
