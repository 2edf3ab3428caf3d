"""An encoder in two: the frozen layers below, whose states never change, and the layers above, which train.

Both halves hold the encoder's own modules, not copies: what is trained in the upper half is trained in the encoder.
Shapes: B texts, T tokens, D width.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from tunewright.models.encoder import Encoder, text_vector

# Where transformers keeps its blocks: BERT, RoBERTa and their kin; DistilBERT; models without an encoder inside.
PLACES = ("encoder.layer", "transformer.layer", "layers")
CLOSE = 1e-3  # both ways run the same kernels on the same shapes: they agree to the bit, or something is missing


class Bottom(nn.Module):
    """Embeddings and the first blocks: token ids to hidden states."""

    def __init__(self, model: Any, blocks: nn.ModuleList) -> None:
        super().__init__()
        self.config = model.config
        self.embeddings = model.embeddings
        self.layer = blocks

    def forward(self, ids_BT: Tensor, mask_BT: Tensor | None) -> Tensor:
        """States (B, T, D) in the encoder's precision."""
        return _through(self.layer, self.embeddings(input_ids=ids_BT), mask_BT, self.config)


class _Blocks(nn.Module):
    """Blocks with the configuration that they were made by."""

    def __init__(self, model: Any, blocks: nn.ModuleList) -> None:
        super().__init__()
        self.config = model.config
        self.layer = blocks


class TopEncoder(nn.Module):
    """The blocks above a frozen prefix and the pooling: hidden states to vectors, as `Encoder` makes them of ids."""

    def __init__(self, model: Any, blocks: nn.ModuleList, pooling: str) -> None:
        super().__init__()
        self.model: Any = _Blocks(model, blocks)
        self.pooling = pooling

    def forward(self, hidden_BTD: Tensor, mask_BT: Tensor | None) -> Tensor:
        """Encode a batch of states; `mask_BT` is None where no row is padded. Returns (B, D) float32."""
        last_BTD = _through(self.model.layer, hidden_BTD, mask_BT, self.model.config)
        return text_vector(last_BTD, mask_BT, self.pooling)


def part_at(encoder: Encoder, first: int, sample: tuple[Tensor, Tensor | None]) -> tuple[Bottom, TopEncoder] | str:
    """Part an encoder under its block `first`, and prove on a batch that the halves together are the encoder.

    Backbones differ in what passes between their blocks (biases by position, projections, norms at the end). No list of
    architectures is kept: whatever the halves leave out shows in the vectors of the sample.

    Args:
        encoder: as it is trained, on its device; it is left in evaluation mode.
        first: the lowest block that trains, at least 1.
        sample: ids and mask of a few texts, best of different lengths.

    Returns:
        The halves, or why there are none.
    """
    blocks = _blocks_of(encoder.model)
    if blocks is None or not hasattr(encoder.model, "embeddings"):
        return "its layers lie where nothing is known to enter"
    encoder.eval()
    bottom = Bottom(encoder.model, nn.ModuleList(list(blocks)[:first]))
    top = TopEncoder(encoder.model, nn.ModuleList(list(blocks)[first:]), encoder.pooling)
    with torch.inference_mode():
        whole = encoder(*sample)
        halves = _tried(lambda: top(bottom(*sample), sample[1]))
    if halves is None or halves.shape != whole.shape:
        return "its layers cannot be called one by one"
    apart = float((whole - halves).abs().max())
    return (bottom, top) if apart <= CLOSE else f"entered in the middle it gives other vectors, by {apart:.2g}"


def _blocks_of(model: Any) -> nn.ModuleList | None:
    for place in PLACES:
        found = model
        for name in place.split("."):
            found = getattr(found, name, None)
        if isinstance(found, nn.ModuleList):
            return found
    return None


def _tried(work: Callable[[], Tensor]) -> Tensor | None:
    try:
        return work()
    # A stranger's modules: whatever they ask for that is not given here ends in one of these.
    except (TypeError, ValueError, RuntimeError, AttributeError, KeyError, IndexError):
        return None


def _through(blocks: nn.ModuleList, hidden_BTD: Tensor, mask_BT: Tensor | None, config: Any) -> Tensor:
    from transformers.masking_utils import create_bidirectional_mask

    bias = create_bidirectional_mask(config=config, inputs_embeds=hidden_BTD, attention_mask=mask_BT)
    for block in blocks:
        out = block(hidden_BTD, bias)
        hidden_BTD = out if isinstance(out, Tensor) else out[0]
    return hidden_BTD
