"""The one model: encoder vectors joined with fitted features, then a head.

Shapes: B rows, T tokens, D encoder width, F joined width, K outputs.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from tunewright.models.encoder import Encoder, pair_vector
from tunewright.models.heads import Head
from tunewright.models.prefix import TopEncoder

Segment = tuple[Tensor, Tensor | None]


class Network(nn.Module):
    """Encoder ⊕ dense features → head. Without an encoder the vectors come in as part of the dense features.

    With a `TopEncoder` a segment's first tensor is not token ids but the states that the layers under it gave.
    """

    def __init__(self, encoder: Encoder | TopEncoder | None, head: Head) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = head

    def forward(self, segments: Sequence[Segment], dense_BF: Tensor | None) -> Tensor:
        """Score a batch.

        Args:
            segments: one (ids_BT, mask_BT or None) per text: one for plain rows, two for pairs, none without encoder.
            dense_BF: fitted features, or None where there are none.

        Returns:
            (B, K) float32 outputs: logits, or scaled values for a regression.
        """
        return self.head(self.features(segments, dense_BF))  # type: ignore[no-any-return]

    def features(self, segments: Sequence[Segment], dense_BF: Tensor | None) -> Tensor:
        """What the head sees: (B, F) joined vectors beside dense features."""
        parts = []
        if self.encoder is not None and segments:
            vectors = [self.encoder(ids, mask) for ids, mask in segments]
            parts.append(join_vectors(vectors))
        if dense_BF is not None:
            parts.append(dense_BF)
        return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)


def join_vectors(vectors: Sequence[Tensor]) -> Tensor:
    """One text: its vector. Two texts: `pair_vector`."""
    return vectors[0] if len(vectors) == 1 else pair_vector(vectors[0], vectors[1])


def joined_width(width: int, segments: int) -> int:
    """Length of `join_vectors` for an encoder of that width.

    >>> joined_width(384, 1), joined_width(384, 2), joined_width(384, 0)
    (384, 769, 0)
    """
    return (0, width, 2 * width + 1)[segments]
