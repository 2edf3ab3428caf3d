"""The three kinds of behaviours, as they are written in the file; what no field can say alone is in `problems_of`.

An example is a text (for a model that reads one text column) or cells by column, written as in the data file; a column
that it does not name is missing. `apply_to` is a condition over the columns, such as `contains(message, 'refund')`: the
behaviour is then tried on rows of the data for which it holds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from tunewright.data.expressions import parse
from tunewright.errors import PlanError
from tunewright.evaluation.behaviours.swaps import read_swaps, swap_text
from tunewright.planfile import at_least, between

Cells = Mapping[str, str | None]
Example = str | Cells
_SHARE = {"check": between(0, 1, ends="(]")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Must:
    """Each example must get this answer.

    Args:
        name: of the behaviour.
        examples: what to ask.
        label: the answer; several labels a row: one that has to be among them.
        at_least: regression: the lowest answer allowed, in the target's units.
        at_most: regression: the highest.
        share: of the examples that have to pass.
    """

    kind: ClassVar[str] = "must"
    name: str = ""
    examples: tuple[str | Mapping[str, str | None], ...] = ()
    label: str | None = None
    at_least: float | None = None
    at_most: float | None = None
    share: float = field(default=1.0, metadata=_SHARE)

    def problems_of(self) -> Iterator[tuple[str, str]]:
        """What is wrong between the fields, as (path, text)."""
        if not self.examples:
            yield "examples", "must hold at least one example. Got none. Write texts or cells by column."
        ranged = self.at_least is not None or self.at_most is not None
        if (self.label is not None) == ranged:
            got = "both" if ranged else "neither"
            yield "label", f"must be given, or else at_least or at_most for numbers. Got {got}. Keep one of the two."
        if self.at_least is not None and self.at_most is not None and self.at_least > self.at_most:
            yield "at_least", f"must be at most at_most, {self.at_most:g}. Got {self.at_least:g}. Exchange them."


@dataclass(frozen=True, slots=True, kw_only=True)
class Invariance:
    """Swapping these words, or setting these cells, must not change the answer.

    Args:
        name: of the behaviour.
        examples: what to ask; with `swaps` at least one has such a word.
        apply_to: condition on the rows to try it on, 200 at most.
        swaps: `from` and `to`, words (or phrases) that are exchanged one by one; a single `from` becomes each `to` in
            turn. Whole words, in any case.
        set: cells to put in place of the row's own.
        column: where to swap words; None: in all text columns.
        tolerance: regression: by how much the answer may change, in the target's units.
        share: of the cases that have to pass.
    """

    kind: ClassVar[str] = "invariance"
    name: str = ""
    examples: tuple[str | Mapping[str, str | None], ...] = ()
    apply_to: str | None = None
    swaps: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict)
    set: Mapping[str, str | None] = field(default_factory=dict)
    column: str | None = None
    tolerance: float = field(default=0.0, metadata={"check": at_least(0)})
    share: float = field(default=1.0, metadata=_SHARE)

    def problems_of(self) -> Iterator[tuple[str, str]]:
        """What is wrong between the fields, as (path, text)."""
        yield from _need_rows(self)
        if bool(self.swaps) == bool(self.set):
            got = "both" if self.swaps else "neither"
            yield "swaps", f"must be given, or else set. Got {got}. Keep one: words to swap, or cells to set."
        if self.swaps:
            try:
                variants = read_swaps(self.swaps)
            except PlanError as error:
                yield "swaps", str(error)
            else:
                texts = [text for example in self.examples for text in _texts(example)]
                if self.examples and not any(swap_text(text, words) != text for text in texts for words in variants):
                    yield (
                        "examples",
                        "must have a word of swaps.from. Got none that has. Write one, or check the words.",
                    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Direction:
    """Adding this text, or setting these cells, must raise (or lower) the probability of a label, or the value.

    Args:
        name: of the behaviour.
        examples: what to ask.
        apply_to: condition on the rows to try it on, 200 at most.
        add: a text to put behind the row's own.
        set: cells to put in place of the row's own.
        column: where to add the text; None: in the only text column.
        raises: the label whose probability must rise; regression: the word value.
        lowers: the label whose probability must fall; regression: the word value.
        by: more than by how much: in probability, or in the target's units.
        share: of the cases that have to pass.
    """

    kind: ClassVar[str] = "direction"
    name: str = ""
    examples: tuple[str | Mapping[str, str | None], ...] = ()
    apply_to: str | None = None
    add: str | None = None
    set: Mapping[str, str | None] = field(default_factory=dict)
    column: str | None = None
    raises: str | None = None
    lowers: str | None = None
    by: float = field(default=0.0, metadata={"check": at_least(0)})
    share: float = field(default=1.0, metadata=_SHARE)

    def problems_of(self) -> Iterator[tuple[str, str]]:
        """What is wrong between the fields, as (path, text)."""
        yield from _need_rows(self)
        if (self.add is not None) == bool(self.set):
            got = "both" if self.set else "neither"
            yield "add", f"must be given, or else set. Got {got}. Keep one: text to add, or cells to set."
        if self.add is not None and not self.add.strip():
            yield "add", "must be a text. Got blanks. Write the words to add."
        if (self.raises is None) == (self.lowers is None):
            got = "neither" if self.raises is None else "both"
            yield "raises", f"must be given, or else lowers. Got {got}. Keep one."


Behaviour = Must | Invariance | Direction
KINDS: tuple[type[Must] | type[Invariance] | type[Direction], ...] = (Must, Invariance, Direction)


def _need_rows(behaviour: Invariance | Direction) -> Iterator[tuple[str, str]]:
    if not behaviour.examples and behaviour.apply_to is None:
        yield "examples", "must be given, or else apply_to. Got neither. Write examples, or a condition on the rows."
    if behaviour.apply_to is not None:
        try:
            parse(behaviour.apply_to)
        except PlanError as error:
            yield "apply_to", str(error)


def _texts(example: Example) -> list[str]:
    return [example] if isinstance(example, str) else [cell for cell in example.values() if cell is not None]
