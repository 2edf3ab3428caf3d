"""A network with flat, named inputs, as graph formats want it.

Shapes: B rows, T and U tokens of the first and second text, F features, K outputs.
"""

from __future__ import annotations

from torch import Tensor, nn

from tunewright.models.network import Network


class FlatNetwork(nn.Module):
    """A network that takes the arrays of `feeds.feed` by their names; those it has no use for stay None."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(
        self,
        input_ids: Tensor | None = None,
        attention_mask: Tensor | None = None,
        input_ids_2: Tensor | None = None,
        attention_mask_2: Tensor | None = None,
        features: Tensor | None = None,
    ) -> Tensor:
        """(B, T) and (B, U) ids and masks, (B, F) features to (B, K) outputs."""
        texts = [(input_ids, attention_mask), (input_ids_2, attention_mask_2)]
        segments = [(ids, mask) for ids, mask in texts if ids is not None]
        return self.network(segments, features)  # type: ignore[no-any-return]
