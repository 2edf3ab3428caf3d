"""Texts in another language than the others."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Ints, Planted
from tunewright.planting.drawing import changed, draw, pick, present, put
from tunewright.planting.phrases import COMMON, sentence

WORDS = 3  # a text of fewer is in no language
LOOKED_AT = 2000
LONGEST = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherLanguage:
    """Replace some texts of one column by sentences in two languages that the column is not written in.

    Args:
        rate: share of the rows.
    """

    name: ClassVar[str] = "other_language"
    kind: ClassVar[str] = "language_mix"
    also: ClassVar[tuple[str, ...]] = (
        "duplicates",
        "near_duplicates",
        "conflicting_labels",
        "label_errors",
        "outliers",
    )
    of: ClassVar[str] = "rows"
    touches: ClassVar[str] = "text"
    rate: float = 0.01

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Replace; names and keywords are in no language, so that sentences are needed."""
        columns = [name for name in about.texts if _sentences(frame, name, about.rows)]
        if not columns:
            return None
        column = pick(columns, rng)
        rows = draw(present(frame, column, about.rows), self.rate, rng)
        if rows is None:
            return None
        foreign = _least_used(frame[column][about.rows].drop_nulls().head(LOOKED_AT))
        two = rng.choice(foreign, 2, replace=False).tolist()
        lengths = frame[column][rows].str.count_matches(r"\S+").to_list()
        texts = [sentence(pick(two, rng), rng, words=min(length, LONGEST)) for length in lengths]
        return changed(put(frame, column, rows, texts), rows, (column,))


def _sentences(frame: pl.DataFrame, column: str, rows: Ints) -> bool:
    """Half of the cells have three words, and a tenth a small word of a known language."""
    texts = frame[column][rows].drop_nulls().head(LOOKED_AT)
    if not len(texts):
        return False
    long = float((texts.str.count_matches(r"\S+") >= WORDS).mean() or 0.0)  # type: ignore[arg-type]
    return long >= 0.5 and max(_shares(texts).values()) >= 0.1


def _least_used(texts: pl.Series) -> list[str]:
    """All languages but those whose small words are in more than a twentieth as many texts as the leading one's."""
    shares = _shares(texts)
    most = max(shares.values())
    lead = max(shares, key=lambda language: shares[language])
    few = [language for language, share in shares.items() if language != lead and share <= 0.2 * most]
    return few if len(few) > 1 else [language for language in shares if language != lead]


def _shares(texts: pl.Series) -> dict[str, float]:
    """Share of the texts with at least one small word of each language."""
    padded = " " + texts.str.to_lowercase().str.replace_all(r"[^\p{L}]+", " ") + " "
    return {
        language: float(padded.str.contains_any([f" {word} " for word in words]).mean() or 0.0)  # type: ignore[arg-type]
        for language, words in COMMON.items()
    }
