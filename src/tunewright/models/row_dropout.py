"""Dropout on rows, which drops the same when a batch is computed in parts.

Shapes: B rows of the whole batch, F features.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Array = np.ndarray[Any, np.dtype[Any]]


class RowDropout(nn.Module):
    """`nn.Dropout` for (B, F) inputs; while a batch's `masks` are set, each part takes its rows of the whole mask."""

    def __init__(self, probability: float) -> None:
        super().__init__()
        self.probability = probability
        self.masks: BatchMasks | None = None

    def forward(self, x_BF: Tensor) -> Tensor:
        """Drop and scale, in training mode."""
        if self.masks is None or not self.training or self.probability == 0:
            return nn.functional.dropout(x_BF, self.probability, self.training)
        return x_BF * self.masks.draw(x_BF, self.probability)


class BatchMasks:
    """The masks of one batch: as often as a part asks, they are drawn again from where the batch began.

    Args:
        rows: B, of the whole batch.
        device: whose generator draws.
    """

    def __init__(self, rows: int, device: torch.device) -> None:
        self.rows = rows
        self.generator = generator_of(device)
        self.before = self.generator.get_state()
        self.after, self.part = self.before, np.arange(0)

    def begin(self, part: Array) -> None:
        """The next forward pass is over these rows of the batch."""
        self.part, self.after = part, self.before

    def draw(self, x_bF: Tensor, probability: float) -> Tensor:
        """The part's rows of the mask that the whole batch would have got here, scaled."""
        now = self.generator.get_state()
        self.generator.set_state(self.after)
        ones_BF = torch.ones(self.rows, x_bF.shape[1], dtype=x_bF.dtype, device=x_bF.device)
        mask_BF = nn.functional.dropout(ones_BF, probability, training=True)
        self.after = self.generator.get_state()
        self.generator.set_state(now)
        return mask_BF[torch.from_numpy(self.part).to(x_bF.device)]

    def close(self) -> None:
        """Leave the generator where the whole batch would have left it, unless something else drew from it too."""
        if torch.equal(self.generator.get_state(), self.before):
            self.generator.set_state(self.after)


def generator_of(device: torch.device) -> torch.Generator:
    """The default generator of a device."""
    if device.type != "cuda":
        return torch.default_generator
    index = torch.cuda.current_device() if device.index is None else device.index
    return torch.cuda.default_generators[index]


def share_masks(module: nn.Module, masks: BatchMasks | None) -> None:
    """Hand a batch's masks to every `RowDropout` of a module; None: each draws its own again."""
    for layer in module.modules():
        if isinstance(layer, RowDropout):
            layer.masks = masks
