"""Why a model answers as it does: one answer, and the model as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from tunewright.records.concepts import Concept, ConceptCheck
from tunewright.records.score import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenWeight:
    """A word of a text and how far it pushed the answer; `start` and `end` are its place in the cleaned cell."""

    text: str
    weight: float
    column: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnWeight:
    """A column and how far its cell pushed the answer."""

    name: str
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """A training row like the explained one: its label, cosine similarity, and whether its label is the answer.

    `cells` is what it holds, cut; empty where no text of rows may be shown.
    """

    row: int
    label: str
    similarity: float
    agrees: bool
    cells: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Explained:
    """Why one row got its answer.

    `label` is what the weights speak of (empty for a regression), `unit` what they are measured in; positive weights
    push towards it. `output` is the model's output in that unit, `empty` that of the row with everything taken out.
    `gap` is how far the weights of integrated gradients are from adding up to the output's change (None: occlusion
    makes no such promise).
    """

    prediction: str | float
    confidence: float | None
    label: str
    method: str
    unit: str
    tokens: tuple[TokenWeight, ...]
    columns: tuple[ColumnWeight, ...]
    neighbours: tuple[Neighbour, ...] = ()
    notes: tuple[str, ...] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    output: float = 0.0
    empty: float = 0.0
    gap: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MethodCheck:
    """What an explanation method is worth on a model, and whether it may be shown.

    `deletion` and `insertion` are areas between its curve and that of random orders, positive where it is better;
    `shuffled` is the rank correlation of its weights with those it gives a model of shuffled weights; `gap` the mean
    distance from adding up, as a share of what there is to explain. None: not measurable on these rows.
    """

    method: str
    rows: int
    deletion: Score | None
    insertion: Score | None
    shuffled: Score | None
    gap: float | None
    seconds_per_row: float
    passed: bool
    why: str

    @property
    def quality(self) -> float:
        """Mean of both areas; what the default is chosen by."""
        return sum(one.value for one in (self.deletion, self.insertion) if one is not None) / 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Importance:
    """How far the metric falls when a column's cells are dealt out anew, with a 95 % interval; positive: it is used."""

    name: str
    kind: str
    drop: Score


@dataclass(frozen=True, slots=True, kw_only=True)
class WordEffect:
    """What a word does to a label's log odds (regression: to the value), on average over `rows` rows that hold it.

    One row has no interval. In `linear_words` the weight is exact and `rows` is 0.
    """

    text: str
    weight: float
    low: float | None
    high: float | None
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What became of one thing that the expert declared relevant, or of one that nobody declared and that rules."""

    name: str
    of: Literal["column", "word"]
    verdict: Literal["confirmed", "no effect shown", "not seen", "rules undeclared"]
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What a model looks at, over the rows of one part.

    `words` holds per label (regression: "higher", "lower") the words that carry it most; `linear_words` those that the
    words model beside the network has learned. `method` is the best that passed its checks, None if none did.
    `concepts` are directions of the text vectors; `concept_check` says why they, or none, are shown; None: not sought.
    """

    schema: ClassVar[int] = 1
    part: str
    rows: int
    metric: str
    columns: tuple[Importance, ...]
    words: Mapping[str, tuple[WordEffect, ...]]
    linear_words: Mapping[str, tuple[WordEffect, ...]]
    checks: tuple[MethodCheck, ...]
    method: str | None
    expectations: tuple[Expectation, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: float = 0.0
    concepts: tuple[Concept, ...] = ()
    concept_check: ConceptCheck | None = None
