"""Directions in the space of text vectors: what marks the rows at their end, and what they do to the answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tunewright.records.score import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptWord:
    """A word that the train texts at a direction's end hold more often than the others.

    `inside` and `outside` are the shares of the texts at the end and of all others that hold it, `rows` how many at
    the end do.
    """

    text: str
    inside: float
    outside: float
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptExample:
    """A train row far out at a direction's end: its zero-based number in the file, its label, its texts, cut.

    `amount` is how far out it lies, in standard deviations of the train rows.
    """

    row: int
    label: str
    amount: float
    cells: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptEffect:
    """What a direction does to a label: what taking it out takes from the label's log odds.

    It is the mean over the held-out rows at its end, with a 95 % bootstrap interval over them. Regression: `label` is
    "higher" or "lower", the effect in units of the target.
    """

    label: str
    effect: Score


@dataclass(frozen=True, slots=True, kw_only=True)
class Concept:
    """A direction of the text vectors that was found in both halves of the train texts and that the answers hang on.

    `name` is made of the words that mark it, or of its first example; it is empty where no text of rows may be shown.
    `share` is that of held-out rows at its end. `towards` and `against` hold the labels it pushes most, those whose
    effect outlives Holm's correction over all labels and directions. `change` is how far the answers of the held-out
    rows at its end move when it is taken out of their vectors (root mean square over labels of what log probabilities
    less their mean change by; multilabel: log odds; regression: the value), `chance` how far when the same rows are
    moved as far in random directions, and `p_value` the share of random directions that move them as much, corrected
    for how many directions were asked about. `agreement` is the cosine of both halves' directions.
    """

    name: str
    share: Score
    towards: tuple[ConceptEffect, ...]
    against: tuple[ConceptEffect, ...]
    change: Score
    chance: float
    p_value: float
    agreement: float
    words: tuple[ConceptWord, ...] = ()
    examples: tuple[ConceptExample, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConceptCheck:
    """Whether directions of the text vectors may be shown, and why or why not.

    `rows` train texts were looked at, `found` directions were found in both halves of them, `shown` of those moved
    answers more than chance. `shuffled` is how alike their effects are to those on shuffled heads (a cosine, near 0
    where they speak of the model; None where none came so far).
    """

    rows: int
    found: int
    shown: int
    shuffled: Score | None
    passed: bool
    why: str
    seconds: float = 0.0
