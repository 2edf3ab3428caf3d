"""What names a direction: the words that the texts at its end hold and the others lack, and the texts themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tunewright.explain.cases import words_of
from tunewright.explain.class_words import word_key
from tunewright.records import ConceptWord
from tunewright.stats import holm

Array = np.ndarray[Any, np.dtype[Any]]
SHOWN = 6
NAMED = 3  # words of a name
FEWEST_TEXTS = 3  # that hold a word
LEVEL = 0.05
LONGEST_NAME = 60


class TextWords:
    """Which texts hold which words, of any case.

    Args:
        texts: n of them.
    """

    def __init__(self, texts: Sequence[str]) -> None:
        known: dict[str, int] = {}
        self.count = len(texts)
        held = [sorted({known.setdefault(word, len(known)) for word in sorted(distinct_words(text))}) for text in texts]
        self.words = tuple(known)
        self._text = np.repeat(np.arange(len(held)), [len(one) for one in held])
        self._word = np.array([word for one in held for word in one], np.int64)
        self._total = np.bincount(self._word, minlength=len(known))

    def marking(self, end: Array) -> tuple[ConceptWord, ...]:
        """Words that texts at the end hold more often than others, beyond chance at 5 % over all words; at most 6.

        They are ranked by the likelihood ratio, which puts a rare word that is nowhere else before "the"; words of
        under three texts are left out.

        Args:
            end: (n,) whether a text is at the end.

        Source: Dunning (1993), Accurate methods for the statistics of surprise and coincidence; Holm (1979).

        >>> texts = ["the lost card", "the card", "card stolen", "card", "the rain", "the sun", "the rain", "sun"] * 3
        >>> [one.text for one in TextWords(texts).marking(np.arange(24) % 8 < 4)]
        ['card']
        """
        from scipy.special import chdtrc

        sizes = np.array([end.sum(), self.count - end.sum()])
        asked = np.flatnonzero(self._total >= FEWEST_TEXTS)
        if not sizes.all() or not len(asked):
            return ()
        inside = np.bincount(self._word[end[self._text]], minlength=len(self.words))[asked]
        held = np.stack([inside, self._total[asked] - inside])
        shares = held / sizes[:, None]
        surprise = likelihood_ratio(held, sizes)
        marks = (holm(chdtrc(1, surprise)) < LEVEL) & (shares[0] > shares[1])
        order = np.argsort(-surprise, kind="stable")
        return tuple(
            ConceptWord(
                text=self.words[asked[place]],
                inside=float(shares[0, place]),
                outside=float(shares[1, place]),
                rows=int(held[0, place]),
            )
            for place in order[marks[order]][:SHOWN]
        )


def likelihood_ratio(held: Array, sizes: Array) -> Array:
    """(W,) twice the log likelihood ratio of each word having two shares and not one.

    Args:
        held: (2, W) how many texts of both groups hold each word.
        sizes: (2,) how many texts each group has.

    >>> likelihood_ratio(np.array([[10, 5], [0, 5]]), np.array([10, 10])).round(2).tolist()
    [27.73, 0.0]
    """
    from scipy.special import xlogy

    total, n = held.sum(0), sizes.sum()
    expected = total * sizes[:, None] / n
    lacking, lacked = sizes[:, None] - held, sizes[:, None] - expected
    # Where nothing is expected nothing is found, and it adds nothing.
    parts = xlogy(held, held / np.maximum(expected, 1e-300)) + xlogy(lacking, lacking / np.maximum(lacked, 1e-300))
    return np.asarray(np.maximum(2 * parts.sum(0), 0.0))


def distinct_words(text: str) -> set[str]:
    """Words of a text that hold a letter or a digit, of any case.

    >>> sorted(distinct_words("Lost card, lost PIN!"))
    ['card', 'lost', 'pin']
    """
    found = {word_key(text[start:end]) for start, end in words_of(text)}
    return {word for word in found if any(sign.isalnum() for sign in word)}


def name_of(words: Sequence[ConceptWord], examples: Sequence[str]) -> str:
    """The first words, or the start of the first text where no word marks the end; empty where neither may be shown.

    >>> name_of([], ["my card was stolen"]), name_of([], [])
    ('“my card was stolen”', '')
    """
    if words:
        return ", ".join(one.text for one in words[:NAMED])
    text = " ".join(examples[0].split()) if examples else ""
    cut = text if len(text) <= LONGEST_NAME else f"{text[: LONGEST_NAME - 1]}…"
    return f"“{cut}”" if cut else ""
