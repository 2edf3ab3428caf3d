"""Before time is spent: can this network learn at all? A few updates on eight rows, then everything is put back.

Each canary dies of a fault that no error message would otherwise tell: a batch whose rows lean on each other (padding
that is read, a weight that is counted twice), weights that should move and do not, weights that should not and do, and
a loss that no update lowers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tunewright.errors import TrainingError
from tunewright.models.network import Network
from tunewright.training.batch_loss import batch_loss
from tunewright.training.flat import FlatOptimizer
from tunewright.training.labelled import Labelled
from tunewright.training.parallel.compute import Compute

Array = np.ndarray[Any, np.dtype[Any]]
ROWS = 8
FEWEST, MOST = 3, 40  # updates
RATE, WIDTH = 2e-4, 384  # the learning rate that suits this width; wider backbones take a lower one
HALF = 0.5  # of the first loss: eight rows are being learned by heart
STUCK = 0.9  # of it, after all updates: nothing is
LITTLE = 0.1  # a loss that need not fall to its half
MUCH = 0.5  # one that must fall
APART = 0.1  # by which a batch may differ from its rows, relative; half precision needs a part of it
LEAST = 0.05  # spread of outputs below which rows hardly differ


def release_canaries(
    network: Network,
    optimizer: FlatOptimizer,
    training: Labelled,
    *,
    loss: Callable[[Tensor, Tensor], Tensor],
    device: torch.device,
    compute: Compute | None = None,
) -> None:
    """Try the network on eight train rows; afterwards it, the optimiser and all generators are as they were.

    Args:
        network: freed by `choose_trainable`, before its first update.
        optimizer: over its trainable weights, fresh.
        training: all train rows.
        loss: outputs (B, K) and targets to (B,) losses.
        device: where the network lives.
        compute: where the encoder computes; None: here.

    Raises:
        TrainingError: one of the canaries died.
    """
    rows = _eight(training)
    if len(rows) < 2:
        return

    def of(some: Array, part: Array | None = None) -> Tensor:
        return batch_loss(network, training, some, loss=loss, device=device, part=part, compute=compute)

    network.eval()
    with torch.no_grad():
        outputs = [network(*training.inputs.tensors(some, device)) for some in (rows, *rows[:, None])]
        _stand_alone(outputs[0], torch.cat(outputs[1:]))
        _add_up(float(of(rows)), sum(float(of(rows, np.array([place]))) for place in range(len(rows))))
    before, still = optimizer.snapshot(), _sums(network, free=False)
    try:
        first, last, unmoved = _updates(network, optimizer, lambda: of(rows))
        frozen = [name for name, value in _sums(network, free=False).items() if value != still[name]]
    finally:
        optimizer.rewind(before)
    if unmoved or frozen:
        _refuse_movement(unmoved, frozen)
    # A head on fixed vectors may find eight rows that it cannot tell apart; a backbone that trains may not.
    if network.encoder is not None and first > MUCH and last > STUCK * first:
        raise TrainingError(
            f"Eight train rows must be learnable by heart. After {MOST} updates their loss went from {first:.3f} to "
            f"{last:.3f}. Look for texts that are empty or cut to nothing, and for number columns with extreme values."
        )


def _eight(training: Labelled) -> Array:
    """At most eight rows that differ, of as many labels as possible; rows of weight zero teach nothing."""
    inputs, targets = training.inputs, training.targets
    known = np.arange(len(inputs))
    if targets.ndim == 1 and targets.dtype.kind in "iu":
        known = known[targets >= 0]
    if training.weights is not None:
        known = known[training.weights[known] > 0]
    order = np.random.default_rng(0).permutation(known)[: 50 * ROWS]
    found: dict[Any, int] = {}
    for row in order:
        tokens = tuple(part.ids[part.offsets[row] :][: part.lengths[row]].tobytes() for part in inputs.segments)
        found.setdefault((*tokens, inputs.dense[row].tobytes()), int(row))
    distinct = np.array(list(found.values()), np.int64)
    labels = targets[distinct] if targets.ndim == 1 else targets[distinct].argmax(1)
    turn = np.zeros(len(distinct), np.int64)  # how many rows of its label come before a row
    for label in np.unique(labels):
        same = labels == label
        turn[same] = np.arange(same.sum())
    return distinct[np.argsort(turn, kind="stable")][:ROWS]


def _stand_alone(together_BK: Tensor, alone_BK: Tensor) -> None:
    """A row's outputs do not depend on the company it keeps in a batch."""
    apart = float((together_BK - alone_BK).abs().mean())
    usual = max(float(alone_BK.std(0).mean()), LEAST)
    if not apart <= APART * usual:
        raise TrainingError(
            "A row's outputs must not depend on the other rows of its batch. Those of eight rows differ by "
            f"{apart:.3g} on average between one batch and one by one, and by {usual:.3g} between rows. "
            "The backbone reads padding or mixes rows; use another one."
        )


def _add_up(together: float, apart: float) -> None:
    """The loss of a batch is that of its parts: what is accumulated is what one batch would have given."""
    if not abs(together - apart) <= APART * max(abs(apart), LITTLE):
        raise TrainingError(
            f"The loss of a batch must be the mean of its rows' losses. Eight rows have {together:.4f} together and "
            f"{apart:.4f} one by one. Look at the row weights and at the task's loss."
        )


def _updates(network: Network, optimizer: FlatOptimizer, loss: Callable[[], Tensor]) -> tuple[float, float, list[str]]:
    """First and last loss, and the names of the matrices that should have moved and did not.

    Without weight decay, which would move what no gradient reaches, and with one rate for all layers: what a low layer
    learns in so few updates at a rate of its own may be too little to see.
    """
    usual = optimizer.learning_rate, optimizer.weight_decay, optimizer.layer_decay
    was, losses = _sums(network, free=True), []
    optimizer.learning_rate, optimizer.weight_decay, optimizer.layer_decay = _rate(network), 0.0, 1.0
    try:
        for step in range(MOST):
            value = loss()
            losses.append(float(value.detach()))
            if step >= FEWEST and losses[-1] <= max(HALF * losses[0], LITTLE):
                break
            value.backward()  # type: ignore[no-untyped-call]
            optimizer.step(1.0)
    finally:
        optimizer.learning_rate, optimizer.weight_decay, optimizer.layer_decay = usual
    moved = _sums(network, free=True)
    matrices = {name for name, parameter in network.named_parameters() if parameter.ndim > 1}
    unmoved = [name for name, value in moved.items() if value == was[name] and name in matrices]
    return losses[0], min(losses), unmoved


def _rate(network: Network) -> float:
    model = network.encoder.model if network.encoder is not None else None
    width = getattr(getattr(model, "config", None), "hidden_size", WIDTH)
    return float(RATE * (WIDTH / width) ** 1.5)


@torch.no_grad()
def _sums(network: Network, *, free: bool) -> dict[str, tuple[float, float]]:
    """Two sums per parameter that trains, or does not: they change when it does."""
    return {
        name: (float(p.sum(dtype=torch.float64)), float(torch.linalg.vector_norm(p, dtype=torch.float64)))
        for name, p in network.named_parameters()
        if p.requires_grad == free
    }


def _refuse_movement(unmoved: list[str], frozen: list[str]) -> None:
    names = unmoved or frozen
    shown = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
    if unmoved:
        raise TrainingError(
            f"Weights that train must move. No gradient reaches {shown}. "
            "Choose another model.train, or a backbone whose every layer is used."
        )
    raise TrainingError(f"Frozen weights must not move. These did: {shown}. Choose another model.train.")
