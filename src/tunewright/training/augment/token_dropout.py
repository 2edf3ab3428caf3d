"""Leave tokens out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tunewright.models.tokens import Tokens
from tunewright.training.augment.base import Pairs, drawn

if TYPE_CHECKING:
    from tunewright.models.inputs import Inputs
    from tunewright.training.labelled import Labelled

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenDropout:
    """Each token of a train text is left out with a probability; the text is really shorter, no place stays masked.

    Special tokens stay, and one token of every text.

    Args:
        strength: the probability, 0 < p < 1.

    Source: Iyyer et al. 2015, Deep Unordered Composition Rivals Syntactic Methods (word dropout).
    """

    kind: ClassVar[str] = "token_dropout"
    of_texts: ClassVar[bool] = True
    below: ClassVar[float] = 1.0
    says: ClassVar[str] = "in every epoch each token of a train text is left out with probability"
    strength: float = 0.1

    def inputs(self, training: Labelled, rng: np.random.Generator) -> Inputs:
        """The rows with shorter texts."""
        if training.texts is None:
            return training.inputs
        edges = training.texts.edges
        shorter = tuple(drop(one, self.strength, rng, edges=edges) for one in training.inputs.segments)
        return replace(training.inputs, segments=shorter)

    def pairs(self, rows: int, rng: np.random.Generator) -> Pairs | None:
        """Nothing is mixed."""
        return None


def drop(tokens: Tokens, share: float, rng: np.random.Generator, *, edges: tuple[int, int]) -> Tokens:
    """Leave tokens out of every text.

    Args:
        tokens: n texts, special tokens included.
        share: probability of each inner token.
        rng: of the draws.
        edges: special tokens before and behind every text.

    >>> four = Tokens(np.array([101, 5, 6, 102], np.int32), np.array([0, 4]), np.array([4]))
    >>> drop(four, 0.99, np.random.default_rng(0), edges=(1, 1)).ids.tolist()
    [101, 5, 102]
    """
    lengths = tokens.lengths
    owners = np.repeat(np.arange(len(tokens)), lengths)
    place = np.arange(len(owners)) - np.repeat(tokens.offsets[:-1], lengths)
    inner = np.flatnonzero((place >= edges[0]) & (place < lengths[owners] - edges[1]))
    kept = np.ones(len(owners), bool)
    kept[inner[drawn(owners[inner], share, rng)]] = False
    offsets = np.concatenate([[0], np.cumsum(np.bincount(owners[kept], minlength=len(tokens)))]).astype(np.int64)
    return Tokens(tokens.ids[kept], offsets, tokens.full_lengths)
