"""Leave columns out: those that give the target away."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

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
        columns = tuple(
            replace(column, role="ignore", why=f"it gives {material.table.target!r} away")
            if column.name in leaks
            else column
            for column in material.table.columns
        )
        kept = material.typed.drop([name for name in leaks if name in material.typed.columns])
        return replace(material, typed=kept, table=replace(material.table, columns=columns))
