"""What validation chose, as a few numbers: enough to fit the same model again where no row is left to choose on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tunewright.tasks import Decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """The choices of one fit.

    Args:
        strength: of the probe's regularisation (C, or a ridge penalty).
        scale: of the encoder's block in the probe.
        epochs: after which fine-tuning was best; 0 keeps the probe.
        averaged: epochs whose mean was best there, 1 for a moving average; 0: the epoch's own weights were.
        word_strength: of the linear model over n-grams; None without text.
        share: of its outputs that is added.
        tree_rounds: of boosting; None without trees.
        trees_share: of their outputs in the mixture.
        decision: temperature, thresholds, interval.
    """

    strength: float
    scale: float
    epochs: int
    word_strength: float | None
    share: float
    decision: Decision
    tree_rounds: int | None = None
    trees_share: float = 0.0
    averaged: int = 0


def settle(found: Sequence[Settled], decision: Decision) -> Settled:
    """The middle of what several fits chose; the decision comes from all their held-out answers together.

    Medians are taken of values that occurred (the lower of two in the middle), so that a strength stays on its grid.

    >>> one = Settled(strength=1.0, scale=1.0, epochs=3, word_strength=0.3, share=0.0, decision=Decision())
    >>> from dataclasses import replace
    >>> settle([one, replace(one, strength=10.0, epochs=4), replace(one, strength=3.0)], Decision()).strength
    3.0
    """
    words = [one.word_strength for one in found if one.word_strength is not None]
    rounds = [one.tree_rounds for one in found if one.tree_rounds is not None]
    return Settled(
        strength=_middle([one.strength for one in found]),
        scale=_middle([one.scale for one in found]),
        epochs=int(_middle([one.epochs for one in found])),
        word_strength=_middle(words) if words else None,
        share=float(np.median([one.share for one in found])),
        decision=decision,
        tree_rounds=int(_middle(rounds)) if rounds else None,
        trees_share=float(np.median([one.trees_share for one in found])),
        averaged=int(_middle([one.averaged for one in found])),
    )


def _middle(values: Sequence[float]) -> float:
    return float(np.quantile(values, 0.5, method="lower"))
