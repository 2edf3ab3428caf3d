"""Labels with too few rows to learn, and labels that only the test part has."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import ClassVar

import polars as pl

from tunewright.data.wording import agreeing
from tunewright.detectors.rows import Rows
from tunewright.records import Finding, Table


@dataclass(frozen=True, slots=True, kw_only=True)
class RareClass:
    """Report labels that are absent from train and validation (error) and labels with too few train rows (warning).

    Args:
        fewest: train rows that a label needs.
    """

    kind: ClassVar[str] = "rare_class"
    fewest: int = 5

    def find(self, rows: Rows) -> tuple[Finding, ...]:
        """Look."""
        typed, table, split = rows.typed, rows.table, rows.split
        if table.task == "regression":
            return ()
        seen = _labels(typed, table, (*split.train, *split.validation))
        tested = _labels(typed, table, split.test)
        train = _labels(typed, table, split.train)
        found = []
        unseen = sorted(label for label in tested if label not in seen)
        if unseen:
            untold = _holding(typed, table, split.test, unseen)
            found.append(
                Finding(
                    kind=self.kind,
                    severity="error",
                    evidence=_unlearnable(unseen),
                    columns=(table.target,),
                    rows=untold,
                    rows_total=len(untold),
                )
            )
        rare = sorted(label for label in seen if train.get(label, 0) < self.fewest)
        if rare:
            found.append(
                Finding(
                    kind=self.kind,
                    severity="warning",
                    evidence=_too_rare(rare, self.fewest),
                    columns=(table.target,),
                    rows=_holding(typed, table, split.train, rare),
                    rows_total=sum(train.get(label, 0) for label in rare),
                )
            )
        return tuple(found)


def _unlearnable(labels: list[str]) -> str:
    occur, them = agreeing(len(labels), "label occurs", "labels occur"), agreeing(len(labels), "it", "them")
    return (
        f"{len(labels)} {occur} in the test part only ({_some(labels)}): "
        f"no model can learn {them}, and each such row counts as wrong."
    )


def _too_rare(labels: list[str], fewest: int) -> str:
    have, them = agreeing(len(labels), "label has", "labels have"), agreeing(len(labels), "it", "them")
    return (
        f"{len(labels)} {have} fewer than {fewest} training rows: {_some(labels)}. "
        f"Expect little of {them}, or merge or collect."
    )


def _labels(typed: pl.DataFrame, table: Table, rows: tuple[int, ...]) -> Counter[str]:
    return Counter(label for cell in typed[table.target][list(rows)].to_list() for label in _of(cell))


def _holding(typed: pl.DataFrame, table: Table, rows: tuple[int, ...], labels: list[str]) -> tuple[int, ...]:
    """Those of the rows that have one of the labels."""
    wanted, cells = set(labels), typed[table.target][list(rows)].to_list()
    return tuple(row for row, cell in zip(rows, cells, strict=True) if not wanted.isdisjoint(_of(cell)))


def _of(cell: object) -> list[str]:
    if isinstance(cell, pl.Series | list):
        return [str(label) for label in cell]
    return [] if cell is None else [str(cell)]


def _some(labels: list[str]) -> str:
    return ", ".join(repr(label[:40]) for label in labels[:5]) + (", …" if len(labels) > 5 else "")
