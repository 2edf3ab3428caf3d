"""A row as an explanation sees it: words of its texts and cells of its columns, each of which can be taken out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import polars as pl

from tunewright.bundle.model import FittedModel

Array = np.ndarray[Any, np.dtype[Any]]
# Scripts without blanks between words: there every sign is a word of its own.
_ALONE = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"[{_ALONE}]|(?:(?![{_ALONE}])\w)+(?:['’](?:(?![{_ALONE}])\w)+)*|[^\w\s]")
# Each word taken out is a text more to encode: longer texts lose several adjacent words at a time.
MOST_WORDS = 200
SEPARATOR = " | "  # between the cells of several text columns, as `TextCleaner.compose` joins them


@dataclass(frozen=True, slots=True)
class Word:
    """A word (in very long texts: a few adjacent ones) of a cleaned cell, from `start` up to `end`."""

    column: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Case:
    """A row and what can be taken out of it: U words, then C table columns.

    Args:
        typed: the row, as `Preprocessor.conform` casts it.
        cells: cleaned texts by column.
        words: what can be taken out of them.
        columns: table columns, all but texts.
        notes: what a reader should know about the row.
    """

    typed: pl.DataFrame
    cells: Mapping[str, str]
    words: tuple[Word, ...]
    columns: tuple[str, ...]
    notes: tuple[str, ...] = ()

    @property
    def units(self) -> int:
        """U + C."""
        return len(self.words) + len(self.columns)

    def column_mask(self, name: str) -> Array:
        """(U + C,) booleans: all words of a text column, or one table column."""
        return np.array([word.column == name for word in self.words] + [one == name for one in self.columns], bool)

    def without(self, mask: Array) -> dict[str, str]:
        """The cleaned texts with the masked words taken out."""
        gone: dict[str, list[Word]] = {}
        for word, out in zip(self.words, mask):
            if out:
                gone.setdefault(word.column, []).append(word)
        return {name: _cut(cell, gone.get(name, ())) for name, cell in self.cells.items()}


def words_of(text: str) -> list[tuple[int, int]]:
    """Places of the words and signs of a text.

    >>> text = "It's free: call 090-42!"
    >>> [text[start:end] for start, end in words_of(text)]
    ["It's", 'free', ':', 'call', '090', '-', '42', '!']
    >>> len(words_of("东京 hotel"))
    3
    """
    return [match.span() for match in _WORD.finditer(text)]


def make_cases(model: FittedModel, typed: pl.DataFrame, *, most: int = MOST_WORDS) -> list[Case]:
    """Cut typed rows into what can be taken out of them.

    Args:
        model: whose preprocessing cleans the texts.
        typed: (n) rows.
        most: words of a row up to which each is weighed alone.
    """
    preprocessor = model.preprocessor
    texts = [name for segment in preprocessor.texts for name in segment]
    cleaned = {name: preprocessor.cleaner.compose(typed, [name]) for name in texts}
    columns = tuple(feature.column for feature in preprocessor.featurizer.features)
    made = []
    for row in range(typed.height):
        case = Case(typed=typed[row], cells={name: cleaned[name][row] for name in texts}, words=(), columns=columns)
        found, notes = _words(model, case, most)
        made.append(replace(case, words=found, notes=tuple(notes)))
    return made


def texts_of(model: FittedModel, cells: Iterable[Mapping[str, str]]) -> list[list[str]]:
    """Composed texts, one list per segment, of cleaned cells: as `Preprocessor.compose` joins them."""
    rows = list(cells)
    return [
        [SEPARATOR.join(cell for name in names if (cell := row[name])) for row in rows]
        for names in model.preprocessor.texts
    ]


def places(cells: Mapping[str, str], names: Sequence[str]) -> dict[str, int]:
    """Where the cell of each column begins in the text composed of them.

    >>> places({"title": "late", "body": "where is it"}, ("title", "body"))
    {'title': 0, 'body': 7}
    """
    found, at = {}, 0
    for name in names:
        if cells[name]:
            found[name] = at
            at += len(cells[name]) + len(SEPARATOR)
    return found


def _words(model: FittedModel, case: Case, most: int) -> tuple[tuple[Word, ...], list[str]]:
    """Words that have a part in the answer, and what is to be said about the texts."""
    words: list[Word] = []
    notes: list[str] = []
    for names in model.preprocessor.texts:
        end, said = _read_up_to(model, case, names)
        notes += said
        for name, at in places(case.cells, names).items():
            spans = words_of(case.cells[name])
            # What only the network would read has no part in the answer beyond the cut; the words model reads it all.
            known = spans if model.lexical is not None else [span for span in spans if at + span[0] < end]
            words += [Word(name, start, stop) for start, stop in known]
    if not words:
        return (), notes
    size = -(-len(words) // most)
    if size > 1:
        notes.append(f"The text has {len(words):,} words: they are weighed in groups of {size} adjacent ones.")
        words = _grouped(words, size)
    return tuple(words), notes


def _read_up_to(model: FittedModel, case: Case, names: Sequence[str]) -> tuple[int, list[str]]:
    """How much of a segment's text the network reads, and what is to be said about it."""
    text = texts_of(model, [case.cells])[model.preprocessor.texts.index(tuple(names))][0]
    called = " and ".join(names)
    if not text:
        return 0, [f"{called}: there is no text, so no word of it can be weighed."]
    assert model.tokenizer is not None
    length = model.preprocessor.max_length
    tokens = model.tokenizer([text], length)
    spans = [span for span in model.tokenizer.spans(text, length) if span is not None]
    end = max((stop for _, stop in spans), default=0)
    said = []
    unknown = model.tokenizer.unknown()
    if spans and unknown is not None and int((tokens.ids == unknown).sum()) == len(spans):
        said.append(f"{called}: the model's vocabulary knows no word of this text; to the network they are all alike.")
    behind = sum(start >= end for start, _ in words_of(text))
    if behind:
        more = "; the words model reads them" if model.lexical is not None else " and have no weight"
        said.append(f"{called}: the network reads {length} tokens. {behind:,} words stand behind them{more}.")
    return end, said


def _grouped(words: Sequence[Word], size: int) -> list[Word]:
    """Adjacent words of one column, `size` at a time."""
    groups: list[list[Word]] = []
    for word in words:
        if groups and len(groups[-1]) < size and groups[-1][0].column == word.column:
            groups[-1].append(word)
        else:
            groups.append([word])
    return [Word(group[0].column, group[0].start, group[-1].end) for group in groups]


def _cut(cell: str, gone: Sequence[Word]) -> str:
    if not gone:
        return cell
    kept, at = [], 0
    for word in gone:
        kept.append(cell[at : word.start])
        at = word.end
    return " ".join("".join([*kept, cell[at:]]).split())
