"""What turns outputs into predictions, all of it chosen on validation rows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """The choices between a model's outputs and its answer.

    Args:
        temperature: logits are divided by it before they become probabilities (Guo et al. 2017).
        thresholds: binary: one, the probability from which the positive class is said; multilabel: one per label;
            otherwise empty.
        half_width: regression: half the width of the 90 % prediction interval, in target units.
    """

    temperature: float = 1.0
    thresholds: tuple[float, ...] = ()
    half_width: float | None = None
