"""What a comparison of two models on the same rows shows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from tunewright.records.score import Score


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedSlice:
    """The comparison within some of the rows.

    `p_value` is corrected for the number of slices looked at (Holm), except for a protected slice, whose verdict goes
    by its interval alone: a guard must not sleep. Without enough rows there is only a count.
    """

    schema: ClassVar[int] = 1
    condition: str
    rows: int
    protected: bool
    metric: str
    verdict: Literal["better", "worse", "no evidence", "too few to tell"]
    difference: Score | None = None
    p_value: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """Model a against model b on rows that both answered; `difference` is positive where a is better, losses included.

    Args:
        metric: that decides.
        a: name of one.
        b: name of the other.
        rows: that both answered.
        left_out: rows that only one of the two answered, or that one of them has learned from.
        scores: by metric, the values of a and of b.
        difference: of the deciding metric, with a paired interval.
        p_value: of that difference, as if nothing else had been tried on these rows.
        tried: how many comparisons these rows have served for, this one included.
        p_adjusted: `p_value` times `tried` (Bonferroni), at most 1; the verdict asks for 0.05 at most.
        verdict: whether a is better.
        text: the same in a sentence or two.
        rows_needed: rows that would show a difference of this size at 80 % power; None where there is none.
        slices: within which it was looked at, too.
    """

    schema: ClassVar[int] = 1
    metric: str
    a: str
    b: str
    rows: int
    left_out: int
    scores: Mapping[str, tuple[Score, Score]]
    difference: Score
    p_value: float
    tried: int
    p_adjusted: float
    verdict: Literal["better", "worse", "no evidence"]
    text: str
    rows_needed: int | None = None
    slices: tuple[ComparedSlice, ...] = field(default=())
