"""What a detector may look at: the rows as read and as cast, their split, what hangs together, what a probe learned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np
import polars as pl

from tunewright.records import Finding, Split, Table
from tunewright.splits import Clusters

if TYPE_CHECKING:
    from tunewright.learning.crossfit import Learned

Ints = np.ndarray[Any, np.dtype[np.int64]]


def _nothing_learned() -> Learned | None:
    return None


@dataclass(frozen=True, kw_only=True, eq=False)
class Rows:
    """n rows under examination; nothing in it may be changed.

    Args:
        raw: as read; what the cells of a file say before any cast (csv: all strings).
        typed: the same rows, cast to the kinds of `table`; what does not fit is null, ignored columns are absent.
        table: columns with kind and role, the target, the task; inferred without the test rows.
        split: row ids per part; rows without a target are in none.
        clusters: rows that repeat each other.
        files: the file each row came from, where there are several, as (name, rows) in order.
        learned: frozen features of all rows and what a probe that never saw a row says of it; None where nothing can
            be learned or models are left out. Costly at first call, kept afterwards.
        seed: of everything that draws random numbers.
    """

    raw: pl.DataFrame
    typed: pl.DataFrame
    table: Table
    split: Split
    clusters: Clusters
    files: tuple[tuple[str, int], ...] = ()
    learned: Callable[[], Learned | None] = _nothing_learned
    seed: int = 0

    @cached_property
    def used(self) -> Ints:
        """Ids of the rows that are in a part, ascending."""
        return np.sort(np.array((*self.split.train, *self.split.validation, *self.split.test), np.int64))

    @cached_property
    def seen(self) -> Ints:
        """Ids of the train and validation rows, ascending: what may be learned from."""
        return np.sort(np.array((*self.split.train, *self.split.validation), np.int64))


class Detector(Protocol):
    """A frozen dataclass whose fields are its thresholds."""

    kind: ClassVar[str]

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Findings of that kind only, most serious first; a function of `rows` alone."""
        ...
