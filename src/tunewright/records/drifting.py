"""Whether rows have drifted from those that a model was judged on, and what it is still worth on them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from tunewright.records.score import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnDrift:
    """One test of one column, of the texts in feature space, or of the answers.

    Args:
        column: the column, or `text`, `prediction`, `confidence`.
        test: kind of the test.
        statistic: larger for larger differences.
        p_value: of no difference, corrected for all tests that were made.
        drifted: whether it is at most the level.
        effect: population stability index of the change; None in feature space.
        said: what changed, in words.
        dispersion: by how much the model's own rows differ among themselves beyond chance; 1: they do not.
    """

    column: str
    test: str
    statistic: float
    p_value: float
    drifted: bool
    effect: float | None = None
    said: str = ""
    dispersion: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One of several looks at a log, each at rows of its own.

    Args:
        first: zero-based number of its first row.
        rows: how many it has.
        p_value: of no drift in them.
        evidence: against no drift in any rows so far; an alarm at one over the level.
    """

    first: int
    rows: int
    p_value: float
    evidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DriftReport:
    """What watching found.

    Args:
        rows: that were looked at.
        compared: how many of them, and how many old ones, were compared; more are drawn from.
        alarm: whether there is drift, at the level, over all tests and looks together.
        level: the chance of an alarm where nothing has changed.
        p_value: of no drift at all; with several looks that of the last.
        text: the verdict in a sentence or two.
        drift: every test.
        unlike: numbers of the rows that are least like the old ones, worst first.
        estimated: by metric, what the model is worth on these rows, without labels.
        actual: by metric, what it is worth on those of them that have a label.
        before: by metric, what it was worth on the rows it was judged on.
        looks: where rows were looked at in turn.
        notes: what could not be looked at, and why.
    """

    schema: ClassVar[int] = 1
    rows: int
    compared: tuple[int, int]
    alarm: bool
    level: float
    p_value: float
    text: str
    drift: tuple[ColumnDrift, ...] = ()
    unlike: tuple[int, ...] = ()
    estimated: Mapping[str, Score] = field(default_factory=dict)
    actual: Mapping[str, Score] = field(default_factory=dict)
    before: Mapping[str, Score] = field(default_factory=dict)
    looks: tuple[Look, ...] = ()
    notes: tuple[str, ...] = ()
