"""Leave columns out: those that give the target away, and those that give nothing."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import ClassVar

from tunewright.records import Table
from tunewright.remedies.material import Evidence, Material


@dataclass(frozen=True, slots=True, kw_only=True)
class DropLeaks:
    """Leave out the columns that give the target away (findings of severity error).

    Kept whatever the score says: a leak raises the very score that would judge its removal. What it costs is measured
    and told.
    """

    kind: ClassVar[str] = "drop_columns"
    rule: ClassVar[str] = "always"
    answers: ClassVar[tuple[str, ...]] = ("leakage_target",)

    def apply(self, material: Material, evidence: Evidence) -> Material | None:
        """Give the columns the role `ignore`, unless nothing else is left."""
        leaks = {name for f in evidence.of(*self.answers) if f.severity == "error" for name in f.columns}
        texts = set(material.table.pair or ())
        leaks -= {material.table.target} | texts
        features = {column.name for column in material.table.columns if column.role == "feature"}
        # A word that gives the answer away is no reason to give up the text.
        leaks -= set(material.table.features("text"))
        if not leaks & features or leaks >= features:
            return None
        return without_columns(material, leaks, why=f"it gives {material.table.target!r} away")


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectColumns:
    """Leave out the feature columns that give nothing beside the others.

    Kept where a loss of half a point is excluded, not only where a gain is shown: the columns were chosen for losing
    nothing, so that a gain on the same rows would flatter; and a model that asks for fewer columns is a gain by itself,
    for whoever fills them in, explains its answers, and watches them drift. Texts, columns that the expert derived and
    those in protected slices always stay.
    """

    kind: ClassVar[str] = "select_columns"
    rule: ClassVar[str] = "repair"
    answers: ClassVar[tuple[str, ...]] = ()

    def apply(self, material: Material, evidence: Evidence) -> Material | None:
        """Give the spare columns the role `ignore`, unless no feature would be left."""
        features = {column.name for column in material.table.columns if column.role == "feature"}
        spare = features & set(evidence.spare)
        if not spare or spare == features:
            return None
        return without_columns(material, spare, why="it gives nothing beside the other columns")


def may_go(table: Table) -> tuple[str, ...]:
    """Feature columns that selection may leave out, in table order; none where there is but one feature."""
    features = [column for column in table.columns if column.role == "feature"]
    if len(features) < 2:
        return ()
    return tuple(column.name for column in features if column.kind != "text" and column.derived is None)


def without_columns(material: Material, names: Collection[str], *, why: str) -> Material:
    """The material whose columns of these names are ignored."""
    columns = tuple(
        replace(column, role="ignore", why=why) if column.name in names else column for column in material.table.columns
    )
    kept = material.typed.drop([name for name in names if name in material.typed.columns])
    return replace(material, typed=kept, table=replace(material.table, columns=columns))
