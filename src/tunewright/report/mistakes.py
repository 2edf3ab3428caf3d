"""The table of mistakes: each with the words that led to it, marked by how far they pushed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tunewright.records import Analysis, Explained, Mistake, TokenWeight

LEVELS = 4  # of colour, each way
SHOWN = 0.15  # share of the largest weight from which a word is marked
LONGEST = 2000  # signs of a text that is shown
TOP = 6  # weights that are listed


@dataclass(frozen=True, slots=True)
class Piece:
    """Some of a text: how strongly it is marked, from −4 (against the answer) to 4 (towards it), and its weight."""

    text: str
    level: int
    weight: float

    @property
    def mark(self) -> str:
        """The class of its mark in the page; empty where it is not marked."""
        return f"{'for' if self.level > 0 else 'against'}-{abs(self.level)}" if self.level else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A mistake as the table shows it: marked texts by column, and the strongest weights in words."""

    mistake: Mistake
    texts: tuple[tuple[str, tuple[Piece, ...]], ...] = ()
    top: str = ""


def view(analysis: Analysis) -> dict[str, Any]:
    """The lines of the table, and whether any has an explanation."""
    lines = [_line(one) for one in analysis.mistakes]
    return {"mistakes": lines, "explained_mistakes": sum(one.mistake.explained is not None for one in lines)}


def pieces(text: str, tokens: Sequence[TokenWeight], *, largest: float) -> tuple[Piece, ...]:
    """Cut a text into marked words and what stands between them.

    Args:
        text: as it was weighed.
        tokens: its words with their places in it.
        largest: weight that has the strongest colour.

    >>> late = TokenWeight(text="late", weight=2.0, column="m", start=3, end=7)
    >>> [(piece.text, piece.mark) for piece in pieces("so late!", [late], largest=2.0)]
    [('so ', ''), ('late', 'for-4'), ('!', '')]
    """
    found, at = [], 0
    for token in sorted(tokens, key=lambda one: one.start):
        share = token.weight / largest if largest else 0.0
        level = round(LEVELS * share) or (1 if share > 0 else -1)
        if abs(share) < SHOWN or token.start < at or token.end > LONGEST:
            continue
        found += [Piece(text[at : token.start], 0, 0.0), Piece(text[token.start : token.end], level, token.weight)]
        at = token.end
    rest = text[at:LONGEST] + ("…" if len(text) > LONGEST else "")
    return tuple(piece for piece in [*found, Piece(rest, 0, 0.0)] if piece.text)


def _line(mistake: Mistake) -> Line:
    why = mistake.explained
    if why is None:
        return Line(mistake=mistake)
    largest = max((abs(token.weight) for token in why.tokens), default=0.0)
    texts = tuple(
        (name, pieces(text, [token for token in why.tokens if token.column == name], largest=largest))
        for name, text in why.texts.items()
        if text
    )
    return Line(mistake=mistake, texts=texts, top=_top(why))


def _top(why: Explained) -> str:
    """The strongest words and columns with their weights, for who sees no colours."""
    tokens = sorted(why.tokens, key=lambda one: -abs(one.weight))[:TOP]
    known = [f"{one.text} {_signed(one.weight)}" for one in tokens]
    others = [one for one in why.columns if one.name not in why.texts][:TOP]
    return ", ".join([*known, *(f"{one.name} {_signed(one.weight)}" for one in others)])


def _signed(weight: float) -> str:
    return f"{weight:+.2f}".replace("-", "−")
