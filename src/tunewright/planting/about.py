"""What faults are planted in, what comes of it, and the form of a fault."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Protocol

import numpy as np
import polars as pl

from tunewright.records import Kind, Table, TaskKind

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]


def _no_rows() -> Ints:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class About:
    """What a planter has to know of a table of n rows.

    Args:
        target: the column to predict.
        task: what it poses.
        rows: (m,) ids of the rows that faults may be planted in, ascending; those with a target.
        texts: feature columns of free text; here and below only those that the table holds, none that is derived.
        numbers: feature columns of numbers.
        categories: feature columns of categories and of true and false.
        dates: feature columns of dates.
        formats: by column, how its text is read: a date format, a decimal sign, the delimiter of labels.
        time: the column that orders the rows, or None.
        part: the column that names the part of each row, or None.
        parts: (n,) the part of each row ("" for none), or None where the rows are not split.
        labels: names of the K classes, where `probabilities` are given.
        probabilities: (n, K) what a model that never saw a row says of it, NaN where it says nothing; or None.
    """

    target: str
    task: TaskKind
    rows: Ints
    texts: tuple[str, ...] = ()
    numbers: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    dates: tuple[str, ...] = ()
    formats: dict[str, str] = field(default_factory=dict)
    time: str | None = None
    part: str | None = None
    parts: tuple[str, ...] | None = None
    labels: tuple[str, ...] = ()
    probabilities: Floats | None = None

    @classmethod
    def of(cls, table: Table, rows: Sequence[int] | Ints, parts: Sequence[str] | None = None) -> About:
        """What `table` says of its rows.

        Args:
            table: columns with kind and role, target, task.
            rows: ids of the rows with a target.
            parts: the part of each row ("" for none), if the rows are split.
        """
        roles = {column.role: column.name for column in table.columns}
        derived = {column.name for column in table.columns if column.derived is not None}

        def held(*kinds: Kind) -> tuple[str, ...]:
            return tuple(name for kind in kinds for name in table.features(kind) if name not in derived)

        dates = held("datetime")
        return cls(
            target=table.target,
            task=table.task,
            rows=np.sort(np.asarray(rows, np.int64)),
            texts=held("text"),
            numbers=held("number"),
            categories=held("category", "boolean"),
            dates=dates,
            formats={column.name: column.format for column in table.columns if column.format is not None},
            time=roles.get("time") or next(iter(dates), None),
            part=roles.get("part"),
            parts=None if parts is None else tuple(parts),
        )

    @property
    def features(self) -> tuple[str, ...]:
        """All feature columns, by kind."""
        return (*self.texts, *self.numbers, *self.categories, *self.dates)

    def after(self, planted: Planted) -> About:
        """The same of the table that a fault was planted in; its rows are spared from further faults."""
        rows = np.flatnonzero(np.isin(planted.origin, self.rows))
        said = self.probabilities
        return replace(
            self,
            rows=np.setdiff1d(rows, [*planted.rows, *planted.beside]),
            parts=None if self.parts is None else tuple(self.parts[row] for row in planted.origin.tolist()),
            probabilities=None if said is None else said[planted.origin],
        )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Planted:
    """A table with a known fault.

    Args:
        frame: the table; the one that was given is as it was.
        rows: ids, in `frame`, of the rows that have the fault, ascending; those that were changed or added.
        columns: where the fault is: the changed or new columns; empty where it is in the row as a whole.
        origin: (rows of `frame`,) the row of the given table that each row comes from; a copy's is what it copies.
        added: ids of the rows that the given table did not have.
        beside: ids of rows that the fault also concerns, such as what was copied: neither found nor falsely found.
    """

    frame: pl.DataFrame
    rows: tuple[int, ...]
    columns: tuple[str, ...]
    origin: Ints
    added: Ints = field(default_factory=_no_rows)
    beside: tuple[int, ...] = ()

    def carry(self, rows: Sequence[int] | Ints) -> Ints:
        """Where rows of the given table stand in this one; its copies are not counted."""
        kept = np.isin(self.origin, np.asarray(rows, np.int64))
        kept[self.added] = False
        return np.flatnonzero(kept)


class Fault(Protocol):
    """A frozen dataclass whose fields are its knobs: how a table goes bad in one way.

    `name` is the fault's own, `kind` that of the finding which it should raise, `also` the kinds it may raise rightly.
    `of` (rows or columns) is what the finding has to name. Faults in one copy must not hide each other: `touches` says
    what changes: target, copies, text, cells, column, leak or shape (see `stories.auditing.calibrate`).
    """

    name: ClassVar[str]
    kind: ClassVar[str]
    also: ClassVar[tuple[str, ...]]
    of: ClassVar[str]
    touches: ClassVar[str]

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """A copy of the table with the fault; None where the table has no place for it."""
        ...
