"""Let fine-tuning see train rows changed anew in every epoch: tokens left out, words swapped, rows mixed in pairs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

from tunewright.remedies.material import Evidence, Material
from tunewright.training.options import AugmentKind, AugmentOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class DropTokens:
    """Leave each token of a train text out with a small probability, in every epoch others."""

    kind: ClassVar[str] = "augment_token_dropout"
    rule: ClassVar[str] = "gain"
    answers: ClassVar[tuple[str, ...]] = ()

    def apply(self, material: Material, evidence: Evidence) -> Material | None:
        """Only where the plan leaves augmentation open, and `evidence` names this kind."""
        return _augmented(material, evidence, "token_dropout")


@dataclass(frozen=True, slots=True, kw_only=True)
class SwapWords:
    """Let each word of a train text give way to another word of the data with a small probability."""

    kind: ClassVar[str] = "augment_word_swap"
    rule: ClassVar[str] = "gain"
    answers: ClassVar[tuple[str, ...]] = ()

    def apply(self, material: Material, evidence: Evidence) -> Material | None:
        """Only where the plan leaves augmentation open, and `evidence` names this kind."""
        return _augmented(material, evidence, "word_swap")


@dataclass(frozen=True, slots=True, kw_only=True)
class MixRows:
    """Mix what the head sees of two rows, and their losses (Zhang et al. 2018)."""

    kind: ClassVar[str] = "augment_mixup"
    rule: ClassVar[str] = "gain"
    answers: ClassVar[tuple[str, ...]] = ()

    def apply(self, material: Material, evidence: Evidence) -> Material | None:
        """Only where the plan leaves augmentation open, and `evidence` names this kind."""
        return _augmented(material, evidence, "mixup")


def _augmented(material: Material, evidence: Evidence, kind: AugmentKind) -> Material | None:
    if material.augment.kind != "auto" or kind not in evidence.augment:
        return None
    return replace(material, augment=AugmentOptions(kind=kind))
