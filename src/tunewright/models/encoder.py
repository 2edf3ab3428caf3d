"""An encoder: token ids in, one vector per text out.

Shapes: B texts, T tokens, D width.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn


class Encoder(nn.Module):
    """A transformers encoder and a pooling.

    Vectors have length √D, that is unit length times √D: every coordinate then has variance of about one, so that the
    same regularisation and the same learning rate serve encoder vectors and standardised table columns.
    """

    def __init__(self, model: Any, pooling: str) -> None:
        super().__init__()
        self.model = model
        self.pooling = pooling

    def forward(self, ids_BT: Tensor, mask_BT: Tensor | None) -> Tensor:
        """Encode a batch; `mask_BT` is None where no row is padded. Returns (B, D) float32."""
        hidden_BTD = self.model(input_ids=ids_BT, attention_mask=mask_BT).last_hidden_state
        return text_vector(hidden_BTD, mask_BT, self.pooling)


def text_vector(hidden_BTD: Tensor, mask_BT: Tensor | None, how: str) -> Tensor:
    """Pool the last layer's states to (B, D) float32 vectors of length √D."""
    vector_BD = pool(hidden_BTD.float(), mask_BT, how)
    return nn.functional.normalize(vector_BD, dim=-1) * math.sqrt(vector_BD.shape[-1])


def pool(hidden_BTD: Tensor, mask_BT: Tensor | None, how: str) -> Tensor:
    """Reduce token vectors to one per text: `mean` and `max` over real tokens, or `cls`, the first token.

    >>> pool(torch.tensor([[[1.0], [3.0]]]), None, "mean")
    tensor([[2.]])
    """
    if how == "cls":
        return hidden_BTD[:, 0]
    if mask_BT is None:
        return hidden_BTD.mean(1) if how == "mean" else hidden_BTD.amax(1)
    mask_BT1 = mask_BT.unsqueeze(-1).to(hidden_BTD.dtype)
    if how == "mean":
        return (hidden_BTD * mask_BT1).sum(1) / mask_BT1.sum(1)
    return hidden_BTD.masked_fill(mask_BT1 == 0, float("-inf")).amax(1)


def pair_vector(u_BD: Tensor, v_BD: Tensor) -> Tensor:
    """Join the vectors of two texts into [|u−v|, u⊙v, cosine], each block scaled to unit order.

    The cosine stands beside the products it is the sum of, so that a regularised head can use it at once.
    Source: Reimers and Gurevych 2019 for |u−v|. Returns (B, 2D + 1).
    """
    width = u_BD.shape[-1]
    product_BD = u_BD * v_BD
    cosine_B1 = product_BD.sum(-1, keepdim=True) / width
    return torch.cat([(u_BD - v_BD).abs(), product_BD, cosine_B1 * width**0.5], dim=-1)
