"""The loss of one batch, weighted, of rows as they are or mixed in pairs.

Shapes: B rows, F joined width, K outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tunewright.models.inputs import Inputs
from tunewright.models.network import Network
from tunewright.training.augment import Pairs
from tunewright.training.labelled import Labelled
from tunewright.training.parallel.compute import Compute, Here

Array = np.ndarray[Any, np.dtype[Any]]


def batch_loss(
    network: Network,
    training: Labelled,
    rows: Array,
    *,
    loss: Callable[[Tensor, Tensor], Tensor],
    device: torch.device,
    inputs: Inputs | None = None,
    pairs: Pairs | None = None,
    compute: Compute | None = None,
) -> Tensor:
    """The mean loss of a batch, each row by its weight.

    Args:
        network: encoder and head.
        training: all train rows.
        rows: (B,) those of the batch.
        loss: outputs (B, K) and targets to (B,) losses.
        device: where the network lives.
        inputs: what the rows hold in this epoch, where that is not what `training` holds.
        pairs: how they are mixed; a mixed row's weight is mixed like its loss.
        compute: where the encoder computes; None: here.
    """
    inputs = training.inputs if inputs is None else inputs
    x_BF = (compute or Here()).features(network, inputs, rows, device)
    targets = torch.from_numpy(training.targets[rows]).to(device)
    weights_B = None if training.weights is None else torch.from_numpy(training.weights[rows]).to(device)
    if pairs is None:
        return _mean(loss(network.head(x_BF), targets), weights_B)
    partner_B = torch.from_numpy(pairs.partner).to(device)
    share_B = torch.from_numpy(pairs.share).to(x_BF)
    share_B1 = share_B.unsqueeze(1)
    outputs_BK = network.head(share_B1 * x_BF + (1 - share_B1) * x_BF[partner_B])
    losses = torch.cat([loss(outputs_BK, targets), loss(outputs_BK, targets[partner_B])])
    counted = torch.cat([share_B, 1 - share_B])
    if weights_B is not None:
        counted = counted * torch.cat([weights_B, weights_B[partner_B]])
    return _mean(losses, counted)


def _mean(losses: Tensor, weights: Tensor | None) -> Tensor:
    if weights is None:
        return losses.mean()
    weights = weights.to(losses)
    return (losses * weights).sum() / weights.sum().clamp_min(1e-6)
