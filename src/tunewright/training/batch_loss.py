"""The loss of one batch, weighted, of rows as they are or mixed in pairs.

Shapes: B rows, F joined width, K outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
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
LEAST = 1e-6  # total weight, so that a batch of rows that all weigh nothing has a loss of 0


def batch_loss(
    network: Network,
    training: Labelled,
    rows: Array,
    *,
    loss: Callable[[Tensor, Tensor], Tensor],
    device: torch.device,
    inputs: Inputs | None = None,
    pairs: Pairs | None = None,
    part: Array | None = None,
    compute: Compute | None = None,
) -> Tensor:
    """The mean loss of a batch, each row by its weight; or what a part of its rows adds to that mean.

    Args:
        network: encoder and head.
        training: all train rows.
        rows: (B,) those of the batch.
        loss: outputs (B, K) and targets to (B,) losses.
        device: where the network lives.
        inputs: what the rows hold in this epoch, where that is not what `training` holds.
        pairs: how they are mixed; a mixed row's weight is mixed like its loss.
        part: (b,) places in the batch, ascending: only these rows are computed. Over parts that are the batch together
            the results, and their gradients, add up to those of the batch.
        compute: where the encoder computes; None: here.
    """
    inputs, compute = training.inputs if inputs is None else inputs, compute or Here()
    if part is not None:
        features = partial(compute.features, network, inputs)
        return _share(features, network, training, rows, part, loss=loss, device=device, pairs=pairs)
    x_BF = compute.features(network, inputs, rows, device)
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
    return (losses * weights).sum() / weights.sum().clamp_min(LEAST)


def _share(
    features: Callable[[Array, torch.device], Tensor],
    network: Network,
    training: Labelled,
    rows: Array,
    part: Array,
    *,
    loss: Callable[[Tensor, Tensor], Tensor],
    device: torch.device,
    pairs: Pairs | None,
) -> Tensor:
    """What the rows at the places `part` add to the batch's mean; mixed rows bring their partners along."""
    weights_B = np.ones(len(rows), np.float32) if training.weights is None else training.weights[rows]
    own_B = np.ones(len(rows), np.float32) if pairs is None else pairs.share
    partner_B = np.arange(len(rows)) if pairs is None else pairs.partner
    total = max(float((own_B * weights_B + (1 - own_B) * weights_B[partner_B]).sum()), LEAST)
    needed, place = np.unique(np.concatenate([part, partner_B[part]]), return_inverse=True)

    def tensor(values: Array) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(device)

    x_BF = features(rows[needed], device)
    if pairs is not None:
        share_B1 = tensor(own_B[part]).to(x_BF).unsqueeze(1)
        own, other = (tensor(at) for at in np.split(place, 2))
        x_BF = share_B1 * x_BF[own] + (1 - share_B1) * x_BF[other]
    outputs_BK = network.head(x_BF)
    losses = loss(outputs_BK, tensor(training.targets[rows[part]]))
    found = (losses * tensor(own_B[part] * weights_B[part]).to(losses)).sum()
    if pairs is not None:
        partners = partner_B[part]
        of_partners = loss(outputs_BK, tensor(training.targets[rows[partners]]))
        found = found + (of_partners * tensor((1 - own_B[part]) * weights_B[partners]).to(losses)).sum()
    return found / total
