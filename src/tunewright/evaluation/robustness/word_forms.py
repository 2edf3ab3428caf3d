"""Other forms of the data's own words: one refund, many refunds."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from tunewright.evaluation.robustness.base import Cells, Rows, in_case_of

_WORD = re.compile(r"[^\W\d_]{4,}")
_ENDINGS = ("ing", "ed", "es", "s", "e")
_STEM = 4  # letters that a stem must have: "news" is no form of "new"


@dataclass(frozen=True, slots=True, kw_only=True)
class WordForms:
    """Some words become another form of themselves that the sampled texts hold, too: "refund" and "refunds".

    Words are forms of one where they share a stem of at least four letters and differ in the endings -s, -es, -ed, -ing
    and -e (-y as -i): what they are about stays, their grammar may not.

    Args:
        share: of the words of a text that have another form; at least one of them changes.

    >>> forms = forms_of(["two refunds", "Refund of a charge", "charged"])
    >>> WordForms(share=1.0).inflected("Refund the charge", forms, np.random.default_rng(0))
    'Refunds the charged'
    """

    kind: ClassVar[str] = "word_forms"
    says: ClassVar[str] = "a third of the words that the texts hold in another form exchanged for that, at least one"
    share: float = 1 / 3

    def change(self, rows: Rows) -> Iterator[tuple[str, Cells]]:
        """Every text with other forms."""
        forms = forms_of(text for name in rows.texts for text in rows.typed[name].to_list() if text)
        yield "other word forms", rows.rewritten(lambda text, rng: self.inflected(text, forms, rng))

    def inflected(self, text: str, forms: Mapping[str, tuple[str, ...]], rng: np.random.Generator) -> str:
        """One text with other forms; the same where none of its words has one."""
        spans = [found.span() for found in _WORD.finditer(text) if found.group().lower() in forms]
        if not spans:
            return text
        count = max(1, round(self.share * len(spans)))
        for place in sorted(rng.choice(len(spans), count, replace=False).tolist(), reverse=True):
            start, end = spans[place]
            others = forms[text[start:end].lower()]
            text = text[:start] + in_case_of(text[start:end], others[int(rng.integers(len(others)))]) + text[end:]
        return text


def forms_of(texts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """By word in small letters, the other forms of it that some text holds."""
    by_stem: dict[str, set[str]] = {}
    for word in {word.lower() for text in texts for word in _WORD.findall(text)}:
        by_stem.setdefault(_stem(word), set()).add(word)
    return {word: tuple(sorted(group - {word})) for group in by_stem.values() if len(group) > 1 for word in group}


def _stem(word: str) -> str:
    ending = next((one for one in _ENDINGS if word.endswith(one) and len(word) - len(one) >= _STEM), "")
    stem = word.removesuffix(ending) if ending else word
    return f"{stem[:-1]}i" if stem.endswith("y") else stem
