"""Replace words by other words of the train texts."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tunewright.models.tokens import Tokens
from tunewright.training.augment.base import Pairs, drawn

if TYPE_CHECKING:
    from tunewright.models.inputs import Inputs
    from tunewright.training.labelled import Labelled

Array = np.ndarray[Any, np.dtype[Any]]
WORD = re.compile(r"(\w+)")
# Texts that are taken apart at a time; their pieces take far more memory than they do.
CHUNK = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class WordSwap:
    """Each word of a train text is replaced, with a probability, by another word drawn by its count in the train texts.

    One word of every text stays. What stands between words stays too. The texts are tokenised anew and cut where the
    others are.

    Args:
        strength: the probability, 0 < p < 1.

    Source: Wang et al. 2018, SwitchOut (there the words are drawn uniformly); Xie et al. 2020, Unsupervised Data
    Augmentation (by frequency).
    """

    kind: ClassVar[str] = "word_swap"
    of_texts: ClassVar[bool] = True
    below: ClassVar[float] = 1.0
    says: ClassVar[str] = "in every epoch each word of a train text gives way to another train word with probability"
    strength: float = 0.1

    def inputs(self, training: Labelled, rng: np.random.Generator) -> Inputs:
        """The rows with other words."""
        texts = training.texts
        if texts is None or len((known := Vocabulary.count(texts.segments)).words) < 2:
            return training.inputs
        swapped = []
        for segment in texts.segments:
            parts = []
            for start in range(0, len(texts.rows), CHUNK):
                chunk = [segment[row] for row in texts.rows[start : start + CHUNK]]
                parts.append(texts.tokenize(swap(chunk, known, self.strength, rng)))
            swapped.append(Tokens.concatenate(parts))
        return replace(training.inputs, segments=tuple(swapped))

    def pairs(self, rows: int, rng: np.random.Generator) -> Pairs | None:
        """Nothing is mixed."""
        return None


@dataclass(frozen=True, slots=True, eq=False)
class Vocabulary:
    """Words in the order of their first mention, their places in it, and (v,) how often each is written."""

    words: tuple[str, ...]
    places: dict[str, int]
    counts: Array

    @classmethod
    def count(cls, segments: Sequence[Sequence[str]]) -> Vocabulary:
        """Count the words of all texts; upper and lower case are two words.

        >>> Vocabulary.count([["a b", "b!"]]).counts.tolist()
        [1, 2]
        """
        counts = Counter[str]()
        for segment in segments:
            for text in segment:
                counts.update(WORD.findall(text))
        places = {word: place for place, word in enumerate(counts)}
        return cls(tuple(counts), places, np.fromiter(counts.values(), np.int64, len(counts)))

    def draw(self, instead_of: Array, rng: np.random.Generator) -> Array:
        """For each of (m,) places another place, by count among all others."""
        ends = np.cumsum(self.counts)
        own = self.counts[instead_of]
        at = np.floor(rng.random(len(own)) * (ends[-1] - own)).astype(np.int64)
        at += np.where(at >= ends[instead_of] - own, own, 0)
        return np.asarray(np.searchsorted(ends, at, side="right"))


def swap(texts: Sequence[str], known: Vocabulary, share: float, rng: np.random.Generator) -> list[str]:
    """Replace words of every text.

    Args:
        texts: all of whose words are known.
        known: at least two words.
        share: probability of each word.
        rng: of the draws.

    >>> known = Vocabulary.count([["so, so good"]])
    >>> swap(["so, so good"], known, 0.7, np.random.default_rng(1))
    ['good, so so']
    """
    pieces = [WORD.split(text) for text in texts]  # what stands between words, a word, and so on: words at odd places
    counts = np.array([len(one) // 2 for one in pieces], np.int64)
    owners = np.repeat(np.arange(len(pieces)), counts)
    within = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
    chosen = np.flatnonzero(drawn(owners, share, rng))
    where = [(int(owners[one]), 2 * int(within[one]) + 1) for one in chosen]
    old = np.array([known.places[pieces[row][place]] for row, place in where], np.int64)
    for (row, place), new in zip(where, known.draw(old, rng), strict=True):
        pieces[row][place] = known.words[new]
    return ["".join(one) for one in pieces]
