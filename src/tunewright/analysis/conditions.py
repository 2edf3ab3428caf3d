"""Conditions that rows meet or not, each with its words for a person. What one says of known rows it says of new ones.

Every condition has `group` (conditions of one group are never joined with each other, but for words), `quotes` (its
words repeat cells of the data), `expression` (the same in the language of conditions, or None), `str(…)`, and
`holds(facts)`, an (n,) mask.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from tunewright.analysis.facts import PATTERNS, Fact, Facts, quoted

Array = np.ndarray[Any, np.dtype[Any]]
LONGEST = 60  # characters of a cell in a description


@dataclass(frozen=True, slots=True)
class Range:
    """A number above `low` and up to `high`; None is no bound.

    >>> str(Range(Fact("age"), 20.0, 30.0)), Range(Fact("age"), None, 30.0).expression
    ("'age' above 20 and up to 30", '`age` <= 30.0')
    """

    quotes: ClassVar[bool] = False
    fact: Fact
    low: float | None
    high: float | None

    @property
    def group(self) -> str:
        """What it is a condition of."""
        return f"number {self.fact}"

    def __str__(self) -> str:
        ends = [f"above {self.low:.6g}"] if self.low is not None else []
        ends += [f"up to {self.high:.6g}"] if self.high is not None else []
        return f"{self.fact} {' and '.join(ends)}"

    @property
    def expression(self) -> str | None:
        """In the language of conditions; None where that cannot say it."""
        what = self.fact.expression
        if what is None:
            return None
        ends = [f"{what} > {_number(self.low)}"] if self.low is not None else []
        ends += [f"{what} <= {_number(self.high)}"] if self.high is not None else []
        return " and ".join(ends)

    def holds(self, facts: Facts) -> Array:
        """The rows in it; an unknown number is in no range."""
        values = facts.numbers[self.fact]
        held = np.isfinite(values)
        if self.low is not None:
            held &= values > self.low
        if self.high is not None:
            held &= values <= self.high
        return np.asarray(held)


@dataclass(frozen=True, slots=True)
class Value:
    """A category or boolean column has this value."""

    quotes: ClassVar[bool] = True
    column: str
    value: str

    @property
    def group(self) -> str:
        """What it is a condition of."""
        return f"value {self.column}"

    def __str__(self) -> str:
        return f"{self.column!r} is {_cell(self.value)}"

    @property
    def expression(self) -> str | None:
        """In the language of conditions; None where that cannot say it."""
        return f"{quoted(self.column)} == {_text(self.value)}" if self.value not in ("true", "false") else None

    def holds(self, facts: Facts) -> Array:
        """The rows that have it."""
        return (facts.values[self.column] == self.value).fill_null(False).to_numpy()


@dataclass(frozen=True, slots=True)
class Missing:
    """A cell is empty."""

    quotes: ClassVar[bool] = False
    column: str

    @property
    def group(self) -> str:
        """What it is a condition of."""
        return f"value {self.column}"

    def __str__(self) -> str:
        return f"{self.column!r} is missing"

    @property
    def expression(self) -> str | None:
        """In the language of conditions; None where that cannot say it."""
        return f"is_missing({quoted(self.column)})"

    def holds(self, facts: Facts) -> Array:
        """The rows where it is."""
        return facts.missing[self.column]


@dataclass(frozen=True, slots=True)
class Words:
    """A text has a word, or two in a row."""

    quotes: ClassVar[bool] = True
    group: ClassVar[str] = "words"
    column: str
    words: str

    def __str__(self) -> str:
        return f"{self.column!r} has “{self.words[:LONGEST]}”"

    @property
    def expression(self) -> str | None:
        """In the language of conditions; None where that cannot say it."""
        return f"has_words({quoted(self.column)}, {_text(self.words)})"

    def holds(self, facts: Facts) -> Array:
        """The rows whose text has them."""
        return facts.spaced[self.column].str.contains(f" {self.words} ", literal=True).to_numpy()


@dataclass(frozen=True, slots=True)
class Pattern:
    """A text has something of a known form, one of `PATTERNS`."""

    quotes: ClassVar[bool] = False
    expression: ClassVar[str | None] = None
    column: str
    what: str

    @property
    def group(self) -> str:
        """What it is a condition of."""
        return f"pattern {self.column}"

    def __str__(self) -> str:
        return f"{self.column!r} has {self.what}"

    def holds(self, facts: Facts) -> Array:
        """The rows whose text has it."""
        return facts.texts[self.column].str.contains(PATTERNS[self.what]).to_numpy()


@dataclass(frozen=True, slots=True)
class Mark:
    """Something is said of the row elsewhere, as by a detector."""

    quotes: ClassVar[bool] = False
    expression: ClassVar[str | None] = None
    name: str

    @property
    def group(self) -> str:
        """What it is a condition of."""
        return f"mark {self.name}"

    def __str__(self) -> str:
        return self.name

    def holds(self, facts: Facts) -> Array:
        """The rows it is said of; of rows that nothing was said of, none."""
        return facts.marks.get(self.name, np.zeros(facts.rows, bool))


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """Texts whose vector is nearest to one of several centres; described by the words that set them apart."""

    quotes: ClassVar[bool] = True
    group: ClassVar[str] = "region"
    expression: ClassVar[str | None] = None
    number: int
    centres: Array
    words: tuple[str, ...] = ()

    def __str__(self) -> str:
        like = ", ".join(f"“{word[:LONGEST]}”" for word in self.words)
        return f"texts alike in meaning ({like})" if like else f"texts alike in meaning (group {self.number + 1})"

    def holds(self, facts: Facts) -> Array:
        """The rows nearest to this centre."""
        if facts.vectors is None:
            return np.zeros(facts.rows, bool)
        return np.asarray(nearest(facts.vectors, self.centres) == self.number)


Single = Range | Value | Missing | Words | Pattern | Mark | Region


@dataclass(frozen=True, slots=True, eq=False)
class Slicing:
    """One, two or, in the core of a slice, three conditions, all of which hold."""

    parts: tuple[Single, ...]
    quotes: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "quotes", any(part.quotes for part in self.parts))

    def __str__(self) -> str:
        return " and ".join(str(part) for part in self.parts)

    @property
    def expression(self) -> str | None:
        """In the language of conditions; None where a part cannot be said in it."""
        said = [part.expression for part in self.parts]
        return " and ".join(one for one in said if one is not None) if None not in said else None

    def unquoted(self) -> str:
        """The description without anything out of the cells.

        >>> Slicing((Value("city", "Ulm"), Missing("age"))).unquoted()
        "'city' is a value that is not shown and 'age' is missing"
        """
        return " and ".join(_unquoted(part) for part in self.parts)

    def holds(self, facts: Facts) -> Array:
        """The rows for which all of them hold."""
        return np.asarray(np.logical_and.reduce([part.holds(facts) for part in self.parts]))


def nearest(vectors: Array, centres: Array) -> Array:
    """(n,) number of the nearest centre by Euclidean distance."""
    return np.asarray((vectors @ centres.T - 0.5 * (centres**2).sum(1)).argmax(1))


def _unquoted(part: Single) -> str:
    if isinstance(part, Value):
        return f"{part.column!r} is a value that is not shown"
    if isinstance(part, Words):
        return f"{part.column!r} has a word that is not shown"
    return str(Region(part.number, part.centres)) if isinstance(part, Region) else str(part)


def _cell(value: str) -> str:
    return repr(value if len(value) <= LONGEST else value[: LONGEST - 1] + "…")


def _number(value: float | None) -> str:
    return f"({value!r})" if value is not None and value < 0 else repr(value)


def _text(value: str) -> str:
    escaped = value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n").replace("\t", "\\t")
    return f"'{escaped}'"
