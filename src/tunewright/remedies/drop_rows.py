"""Leave rows out of the train part: copies, or rows whose label is doubtful."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np

from tunewright.remedies.material import Evidence, Material, rows_of


@dataclass(frozen=True, slots=True, kw_only=True)
class DropDuplicates:
    """Keep one row of every group of copies and near-copies in the train part."""

    kind: ClassVar[str] = "drop_duplicates"
    rule: ClassVar[str] = "gain"
    answers: ClassVar[tuple[str, ...]] = ("duplicates", "near_duplicates")

    def apply(self, material: Material, evidence: Evidence) -> Material | None:
        """Drop the repeats; where whole crowds resemble each other like fillings of one template, none is one."""
        found = [f for f in evidence.of(*self.answers) if f.groups and f.groups[0][0] not in f.rows]
        return without(material, rows_of(found, material.split.train))


@dataclass(frozen=True, slots=True, kw_only=True)
class DropSuspects:
    """Leave out the train rows whose label is doubtful.

    Args:
        share: of the suspects, the most suspect first.
    """

    kind: ClassVar[str] = "drop_suspects"
    rule: ClassVar[str] = "gain"
    answers: ClassVar[tuple[str, ...]] = ("label_errors",)
    share: float = 1.0

    def apply(self, material: Material, evidence: Evidence) -> Material | None:
        """Drop the suspects."""
        suspects = rows_of(evidence.of(*self.answers), material.split.train)
        return without(material, suspects[: int(np.ceil(self.share * len(suspects)))])


@dataclass(frozen=True, slots=True, kw_only=True)
class DropConflicts:
    """Leave out the train rows whose copies carry another label: nobody can learn both."""

    kind: ClassVar[str] = "drop_conflicts"
    rule: ClassVar[str] = "gain"
    answers: ClassVar[tuple[str, ...]] = ("conflicting_labels",)

    def apply(self, material: Material, evidence: Evidence) -> Material | None:
        """Drop all rows of every group in conflict."""
        return without(material, rows_of(evidence.of(*self.answers), material.split.train))


@dataclass(frozen=True, slots=True, kw_only=True)
class DropShifted:
    """Leave out the train rows whose cells stand beside their own columns: what they say is said of something else."""

    kind: ClassVar[str] = "drop_shifted"
    rule: ClassVar[str] = "gain"
    answers: ClassVar[tuple[str, ...]] = ("shifted_row",)

    def apply(self, material: Material, evidence: Evidence) -> Material | None:
        """Drop them."""
        return without(material, rows_of(evidence.of(*self.answers), material.split.train))


def without(material: Material, rows: np.ndarray[tuple[int], np.dtype[np.int64]]) -> Material | None:
    """The material whose train part lacks these rows; None if none of them was in it, or none would be left."""
    kept = tuple(np.setdiff1d(np.array(material.split.train, np.int64), rows).tolist())
    if not kept or len(kept) == len(material.split.train):
        return None
    return replace(material, split=replace(material.split, train=kept))
