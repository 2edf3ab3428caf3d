"""Give doubtful train rows the label that the rest of the data suggests, or less weight."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.learning.suspects import suggested
from tunewright.records import Column
from tunewright.remedies.material import Evidence, Material, rows_of

WEIGHT = "tunewright_weight"


@dataclass(frozen=True, slots=True, kw_only=True)
class RelabelSuspects:
    """Give the suspects among the train rows the label with the highest out-of-fold probability.

    Args:
        surest: only where that probability is at least this.
    """

    kind: ClassVar[str] = "relabel_suspects"
    rule: ClassVar[str] = "gain"
    answers: ClassVar[tuple[str, ...]] = ("label_errors",)
    surest: float = 0.5

    def apply(self, material: Material, evidence: Evidence) -> Material | None:
        """Relabel; one label per row only: what a row of several labels lacks or has too many of is not that clear."""
        learned = evidence.learned
        if learned is None or material.table.task not in ("binary", "multiclass"):
            return None
        suspects = rows_of(evidence.of(*self.answers), material.split.train)
        places = np.searchsorted(learned.rows, suspects)
        best = suggested(learned)[places]
        sure = (best >= 0) & (learned.probabilities[places, best] >= self.surest)
        changed = {int(row): learned.labels[k] for row, k in zip(suspects[sure], best[sure], strict=True)}
        target = material.typed[material.table.target]
        changed = {row: label for row, label in changed.items() if target[row] != label}
        if not changed:
            return None
        labels = target.scatter(list(changed), list(changed.values()))
        return replace(material, typed=material.typed.with_columns(labels.alias(target.name)))


@dataclass(frozen=True, slots=True, kw_only=True)
class DownweightSuspects:
    """Let the suspects among the train rows count for less.

    Args:
        weight: of what they counted before.
    """

    kind: ClassVar[str] = "downweight_suspects"
    rule: ClassVar[str] = "gain"
    answers: ClassVar[tuple[str, ...]] = ("label_errors",)
    weight: float = 0.25

    def apply(self, material: Material, evidence: Evidence) -> Material | None:
        """Multiply the weight column, or add one."""
        suspects = rows_of(evidence.of(*self.answers), material.split.train)
        if not len(suspects):
            return None
        known = [column.name for column in material.table.columns if column.role == "weight"]
        name = known[0] if known else WEIGHT
        before = (
            material.typed[name].cast(pl.Float64).fill_null(1.0)
            if known
            else pl.Series(name, np.ones(material.typed.height))
        )
        weights = before.scatter(suspects.tolist(), (before.gather(suspects.tolist()) * self.weight).to_list())
        table = material.table
        if not known:
            column = Column(name=name, kind="number", role="weight", why="doubtful labels count for less")
            table = replace(table, columns=(*table.columns, column))
        return replace(material, typed=material.typed.with_columns(weights.alias(name)), table=table)
