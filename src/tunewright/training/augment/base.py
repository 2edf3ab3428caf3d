"""What an augmentation is, and the draws that the kinds share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

import numpy as np

if TYPE_CHECKING:
    from tunewright.models.inputs import Inputs
    from tunewright.training.labelled import Labelled

Array = np.ndarray[Any, np.dtype[Any]]
# Set behind every seed, so that no draw here repeats one that shuffles the rows.
_STREAM = 7


@dataclass(frozen=True, slots=True)
class Pairs:
    """Which rows of a batch are mixed.

    Args:
        partner: (B,) position of each row's other one in the batch.
        share: (B,) float32 share of the row itself; the rest is its partner's.
    """

    partner: Array
    share: Array


class Augmentation(Protocol):
    """A frozen dataclass with one field, its strength; pure functions of the train rows and a generator.

    An epoch sees `inputs`, a batch of it is mixed as `pairs` says. Neither is ever called for rows of another part, and
    neither looks at a target.
    """

    kind: ClassVar[str]
    of_texts: ClassVar[bool]  # it changes texts: without any there is nothing to change
    below: ClassVar[float]  # what the strength has to stay under
    says: ClassVar[str]  # what is done, in words that the strength follows

    @property
    def strength(self) -> float:
        """How much is changed."""
        ...

    def inputs(self, training: Labelled, rng: np.random.Generator) -> Inputs:
        """The train rows of one epoch, as many as there are and in their order."""
        ...

    def pairs(self, rows: int, rng: np.random.Generator) -> Pairs | None:
        """What is mixed in a batch of so many rows, or None."""
        ...


def draws(seed: int, epoch: int, batch: int = 0) -> np.random.Generator:
    """The generator of an epoch (batch 0) or of one of its batches, counted from one.

    It depends on nothing that ran before, so that a resumed run draws what the uninterrupted one drew.

    >>> draws(3, 1).random() == draws(3, 1).random() != draws(3, 1, 1).random()
    True
    """
    return np.random.default_rng((seed, epoch, batch, _STREAM))


def drawn(owners: Array, share: float, rng: np.random.Generator) -> Array:
    """Draw pieces of texts, each with probability `share`, but never all pieces of one text.

    Args:
        owners: (m,) the text that each piece belongs to.
        share: of the pieces.
        rng: one draw a piece; the largest of a text spares its piece.

    Returns:
        (m,) booleans.

    >>> drawn(np.array([0, 0, 1]), 0.999999, np.random.default_rng(0)).tolist()
    [False, True, False]
    """
    if not len(owners):
        return np.zeros(0, bool)
    values = rng.random(len(owners))
    largest = np.full(int(owners.max()) + 1, -1.0)
    np.maximum.at(largest, owners, values)
    return np.asarray((values < share) & (values < largest[owners]))
