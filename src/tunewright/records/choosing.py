"""Rows to label next: which, and why each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenRow:
    """A row that is worth a label.

    Args:
        row: zero-based data row number in file order.
        doubt: how unsure the model is of its answer, 0 (sure) to 1; 0 for a regression, which does not say.
        place: in the order of choice, from 1: the first ones are worth a label most.
        slice: condition of the slice of errors that it was taken from; None: from all rows.
        why: the same in words.
    """

    row: int
    doubt: float
    place: int
    slice: str | None
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """Rows to label next, in the order in which they were chosen.

    Args:
        rows: what was chosen.
        asked: how many were asked for.
        pool: rows of the file.
        labelled: of these, rows that the model has learned from, or that have a label already.
        blank: of these, rows with nothing in them that the model reads.
        repeats: rows that were passed over because they nearly repeat one that was chosen, or one that has a label.
        considered: rows that took part in the choice, those the model is least sure of.
        slices: conditions of slices of errors that were gone through first.
        seed: of the draws.
        data: fingerprint of the file's rows.
        text: the same in a few sentences.
    """

    schema: ClassVar[int] = 1
    rows: tuple[ChosenRow, ...]
    asked: int
    pool: int
    labelled: int
    blank: int
    repeats: int
    considered: int
    slices: tuple[str, ...]
    seed: int
    data: str
    text: str
