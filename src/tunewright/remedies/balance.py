"""Let rare classes count for more: by weights, by repeating rows, or by what is added to the logits."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tunewright.records import BalanceKind
from tunewright.remedies.material import Evidence, Material


@dataclass(frozen=True, slots=True, kw_only=True)
class WeighClasses:
    """Let rows count in inverse proportion to how frequent their class is."""

    kind: ClassVar[str] = "balance_weights"
    rule: ClassVar[str] = "gain"
    answers: ClassVar[tuple[str, ...]] = ("class_imbalance",)

    def apply(self, material: Material, evidence: Evidence) -> Material | None:
        """Only where the plan leaves balancing open and the classes are unequal."""
        return _balanced(material, evidence, "weights")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResampleClasses:
    """Repeat the rows of rare classes, up to ten times, until classes are about equal."""

    kind: ClassVar[str] = "balance_resample"
    rule: ClassVar[str] = "gain"
    answers: ClassVar[tuple[str, ...]] = ("class_imbalance",)

    def apply(self, material: Material, evidence: Evidence) -> Material | None:
        """Only where the plan leaves balancing open and the classes are unequal."""
        return _balanced(material, evidence, "resample")


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustLogits:
    """Take out of the logits how frequent each class is, so that all classes start alike (Menon et al. 2021)."""

    kind: ClassVar[str] = "balance_logit_adjustment"
    rule: ClassVar[str] = "gain"
    answers: ClassVar[tuple[str, ...]] = ("class_imbalance",)

    def apply(self, material: Material, evidence: Evidence) -> Material | None:
        """Only where the plan leaves balancing open and the classes are unequal."""
        return _balanced(material, evidence, "logit_adjustment")


def _balanced(material: Material, evidence: Evidence, how: BalanceKind) -> Material | None:
    if material.balance != "auto" or not evidence.of("class_imbalance"):
        return None
    return replace(material, balance=how)
