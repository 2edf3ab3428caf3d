"""What a table is and what is wrong with it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal

from tunewright.records.score import PARTS, Kind, TaskKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table: what it holds (`kind`), what it is used for (`role`), and why we think so.

    `format` is how its text is read, fixed once for every later file: a date format ("%d-%m-%Y"), the decimal sign of
    numbers (","), the delimiter of labels ("|"), or None for the default. `derived` is the expression that computes it
    from other columns of its row, or None for a column of the file. `spellings` names the usual spelling of labels or
    values that are written in several ways. `also` is how cells are read that `format` does not read: other date
    formats, the other decimal sign ("," or "."), a unit or a word beside the number ("#kg", "ca.#"). `empty` are cells
    that hold something and stand for an empty one ("?", "-999"); features take them so.
    """

    name: str
    kind: Kind
    role: Literal["feature", "target", "weight", "group", "time", "part", "ignore"]
    why: str
    missing: int = 0
    distinct: int = 0
    format: str | None = None
    derived: str | None = None
    spellings: Mapping[str, str] = field(default_factory=dict)
    also: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What a table is: its columns and kinds, its row count, its content fingerprint (SHA-256), the task it poses."""

    schema: ClassVar[int] = 1
    rows: int
    columns: tuple[Column, ...]
    fingerprint: str
    target: str
    task: TaskKind
    task_why: str
    pair: tuple[str, str] | None = None
    files: tuple[str, ...] = ()

    def features(self, kind: Kind) -> tuple[str, ...]:
        """Names of the feature columns of one kind, in table order."""
        return tuple(c.name for c in self.columns if c.role == "feature" and c.kind == kind)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something wrong with the data, with evidence; `rows` are zero-based data rows in file order, worst first."""

    schema: ClassVar[int] = 1
    kind: str
    severity: Literal["info", "warning", "error"]
    evidence: str
    columns: tuple[str, ...] = ()
    rows: tuple[int, ...] = ()
    rows_total: int = 0
    score: float | None = None
    scores: tuple[float, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    remedy: str | None = None
    file: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """What reading and preparing put right in a column, the same in every row, now and at predict time; not tried.

    `cells` are those it touched in the rows of all parts; `example` shows one, as written and as it is then read.
    """

    schema: ClassVar[int] = 1
    remedy: str
    column: str
    cells: int
    what: str
    example: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What is wrong with a table: its row count, the findings, the most serious first, what reading put right."""

    schema: ClassVar[int] = 1
    rows: int
    findings: tuple[Finding, ...]
    repairs: tuple[Repair, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Which rows are in which part, how that was decided, and the proof that nothing straddles."""

    schema: ClassVar[int] = 1
    train: tuple[int, ...]
    validation: tuple[int, ...]
    test: tuple[int, ...]
    how: str
    proof: Mapping[str, Any] = field(default_factory=dict)

    def sizes(self) -> dict[str, int]:
        """Rows per part."""
        return {part: len(getattr(self, part)) for part in PARTS}
