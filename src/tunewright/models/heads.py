"""Heads: from a row's joined vector to the task's outputs. All start as the probe's linear map."""

from __future__ import annotations

from typing import ClassVar

import torch
from torch import Tensor, nn

from tunewright.models.row_dropout import RowDropout


class LinearHead(nn.Module):
    """One linear map."""

    kind: ClassVar[str] = "linear"

    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.dropout = RowDropout(dropout)
        self.linear = nn.Linear(inputs, outputs)

    def forward(self, x_BF: Tensor) -> Tensor:
        """(B, F) to (B, K)."""
        return self.linear(self.dropout(x_BF))  # type: ignore[no-any-return]


class MLPHead(nn.Module):
    """The linear map plus two hidden layers whose contribution starts at zero: training begins exactly at the probe."""

    kind: ClassVar[str] = "mlp"
    hidden: ClassVar[int] = 256

    def __init__(self, inputs: int, outputs: int, dropout: float) -> None:
        super().__init__()
        self.linear = nn.Linear(inputs, outputs)
        self.hidden_layers = nn.Sequential(
            nn.Linear(inputs, self.hidden),
            nn.GELU(),
            RowDropout(dropout),
            nn.Linear(self.hidden, self.hidden),
            nn.GELU(),
            RowDropout(dropout),
        )
        self.last = nn.Linear(self.hidden, outputs, bias=False)
        nn.init.zeros_(self.last.weight)

    def forward(self, x_BF: Tensor) -> Tensor:
        """(B, F) to (B, K)."""
        return self.linear(x_BF) + self.last(self.hidden_layers(x_BF))  # type: ignore[no-any-return]


Head = LinearHead | MLPHead
HEADS: tuple[type[LinearHead] | type[MLPHead], ...] = (LinearHead, MLPHead)


def make_head(kind: str, *, inputs: int, outputs: int, dropout: float) -> Head:
    """Make the head of that kind from the table.

    >>> make_head("linear", inputs=3, outputs=2, dropout=0.0)(torch.zeros(1, 3)).shape
    torch.Size([1, 2])
    """
    by_kind = {head.kind: head for head in HEADS}
    return by_kind[kind](inputs, outputs, dropout)


def start_from_probe(head: Head, weight_KF: Tensor, bias_K: Tensor) -> None:
    """Set the head's linear part to the probe's solution (Kumar et al. 2022: linear probing, then fine-tuning)."""
    with torch.no_grad():
        head.linear.weight.copy_(weight_KF)
        head.linear.bias.copy_(bias_K)
