"""Mix rows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tunewright.training.augment.base import Pairs

if TYPE_CHECKING:
    from tunewright.models.inputs import Inputs
    from tunewright.training.labelled import Labelled


@dataclass(frozen=True, slots=True, kw_only=True)
class Mixup:
    """What the head sees of two rows of a batch (pooled vectors, table features) is mixed, and so are their losses.

    Row i becomes λᵢ xᵢ + (1 − λᵢ) xⱼ and costs λᵢ loss(yᵢ) + (1 − λᵢ) loss(yⱼ), with λᵢ ~ Beta(strength, strength) and
    j from a random order of the batch.

    Args:
        strength: both parameters of the Beta distribution, > 0; small values leave most rows nearly alone.

    Source: Zhang et al. 2018, mixup; Verma et al. 2019, Manifold Mixup, for mixing what lies under the last layer.
    """

    kind: ClassVar[str] = "mixup"
    of_texts: ClassVar[bool] = False
    below: ClassVar[float] = math.inf
    says: ClassVar[str] = (
        "the features and losses of two rows of a batch are mixed, weights from Beta with both parameters"
    )
    strength: float = 0.2

    def inputs(self, training: Labelled, rng: np.random.Generator) -> Inputs:
        """The rows as they are."""
        return training.inputs

    def pairs(self, rows: int, rng: np.random.Generator) -> Pairs | None:
        """A partner and a share for every row."""
        return Pairs(rng.permutation(rows), rng.beta(self.strength, self.strength, rows).astype(np.float32))
