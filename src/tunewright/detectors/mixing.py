"""What a column mixes: the contract between the detector of mixed formats and its looks at numbers, dates and words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

import polars as pl

from tunewright.records import Column

SHOWN = 4  # ways to write that the evidence names


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cells:
    """A column of the used rows.

    Args:
        column: what the table says of it.
        text: (n,) as written.
        typed: (n,) as cast, or None for a column that is left out.
        seen: (n,) whether the row is a train or validation row.
    """

    column: Column
    text: pl.Series
    typed: pl.Series | None
    seen: pl.Series


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Mix:
    """What is mixed: the cells that leave the column's main convention, in words, and how much it matters."""

    marks: pl.Series
    told: str
    severity: Literal["info", "warning"]
    remedy: str | None = None


def ways_of(values: pl.Series) -> list[tuple[str, int]]:
    """Different values and how often each occurs, the commonest first."""
    counts = values.value_counts(name="\0rows").rows()
    return sorted(((str(v), int(n)) for v, n in counts), key=lambda pair: (-pair[1], pair[0]))


def counted(marks: pl.Series, noun: str) -> str:
    """How many are marked, in words."""
    count = int(marks.sum())
    return f"{count} {noun}{'' if count == 1 else 's'}"


def read_as(column: Column) -> str:
    """What the table takes a column for."""
    return {"id": "an id", "text": "text"}.get(column.kind, "a category")


def listed(names: Iterable[str]) -> str:
    """The first few, and how many more there are."""
    every = list(names)
    return ", ".join(every[:SHOWN]) + (f" and {len(every) - SHOWN} more" if len(every) > SHOWN else "")
