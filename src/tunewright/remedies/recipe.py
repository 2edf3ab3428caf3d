"""Change how rows are prepared, not the rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tunewright.remedies.material import Evidence, Material


@dataclass(frozen=True, slots=True, kw_only=True)
class RankNumbers:
    """Bring numbers with outliers to a normal shape by their ranks, so that no single cell rules a column."""

    kind: ClassVar[str] = "clip"
    rule: ClassVar[str] = "gain"
    answers: ClassVar[tuple[str, ...]] = ("outliers",)

    def apply(self, material: Material, evidence: Evidence) -> Material | None:
        """Only where a number column has outliers."""
        numbers = set(material.table.features("number"))
        if material.preprocess.numbers == "quantile" or not any(
            numbers & set(finding.columns) for finding in evidence.of(*self.answers)
        ):
            return None
        return replace(material, preprocess=replace(material.preprocess, numbers="quantile"))
