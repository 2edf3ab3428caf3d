"""Time a forward pass and an update of the real batch shape on this machine, and count the weights."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tunewright.learning.problem import Problem
from tunewright.learning.recipes import Choices

if TYPE_CHECKING:
    from tunewright.models.inputs import Inputs
    from tunewright.models.network import Network

Array = np.ndarray[Any, np.dtype[Any]]
Span = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """What one probe step on this machine gave.

    Args:
        parameters: weights of encoder and head.
        trainable: those that train.
        bytes: of one weight while computing: 2 in bfloat16, 4 in float32.
        step: seconds of an update on a batch of middling length, the fastest and the middle of a few.
        forward: seconds per token of a forward pass, likewise.
        once: share of the layers that run once for all epochs, since they are frozen and what they give is kept.
    """

    parameters: int
    trainable: int
    bytes: int
    step: Span
    forward: Span
    once: float = 0.0


def measure(problem: Problem, choices: Choices, precision: str) -> Measured:
    """Count the weights and time a forward pass and an update on this machine."""
    import torch

    from tunewright.models.inputs import Inputs
    from tunewright.models.network import Network
    from tunewright.models.precision import pick_device
    from tunewright.models.trainable import choose_trainable

    inputs, rows = problem.inputs["train"], _middling(problem, choices)
    with torch.random.fork_rng(devices=[]):
        network = _network(problem, choices, precision).to(pick_device())
        forward = _time(lambda: _forward(network, inputs, rows)) if network.encoder is not None else (0.0, 0.0)
        trained, once = network, 0.0
        if choices.method == "head":
            # A head alone learns from cached vectors.
            width = network.head.linear.weight.shape[1]
            trained, inputs = Network(None, network.head), Inputs((), np.zeros((len(inputs), width), np.float32))
        choose_trainable(trained, choices.method, seed=problem.seed)
        if (above := _above(trained, problem, choices)) is not None:
            trained, inputs, once = above
        step = _time(_update(trained, inputs, rows, problem, choices))
    tokens = max(int(problem.inputs["train"].lengths[rows].sum()), 1)
    return Measured(
        parameters=sum(p.numel() for p in network.parameters()),
        trainable=sum(p.numel() for p in trained.parameters() if p.requires_grad),
        bytes=2 if precision == "bfloat16" else 4,
        step=step,
        forward=(forward[0] / tokens, forward[1] / tokens),
        once=once,
    )


def _above(network: Network, problem: Problem, choices: Choices) -> tuple[Network, Inputs, float] | None:
    """The layers over those that stay frozen, rows with states of nothing, and the share of layers under them."""
    from tunewright.learning.prefix_cache import limit_bytes
    from tunewright.models.encoder import Encoder
    from tunewright.models.inputs import Inputs, pad
    from tunewright.models.network import Network
    from tunewright.models.precision import pick_device
    from tunewright.models.prefix import part_at
    from tunewright.models.states import States
    from tunewright.models.trainable import frozen_blocks

    encoder, rows, augment = network.encoder, problem.inputs["train"], choices.recipe.augment
    if not isinstance(encoder, Encoder) or problem.backbone is None or pick_device().type == "cuda":
        return None
    first = frozen_blocks(encoder.model, choices.method)
    if not first or not limit_bytes() or (augment is not None and augment.of_texts):
        return None
    halves = part_at(encoder, first, pad(rows.segments[0], np.array([0]), pick_device()))
    if isinstance(halves, str):
        return None
    kind = np.int16 if next(encoder.model.parameters()).element_size() == 2 else np.float32
    nothing = np.zeros((max(int(tokens.lengths.max()) for tokens in rows.segments), problem.backbone.width), kind)
    same = np.zeros(len(rows), np.int64)
    states = tuple(States((nothing,), same, same, tokens.lengths) for tokens in rows.segments)
    above = Inputs(rows.segments, rows.dense, states)
    return Network(halves[1], network.head), above, first / max(problem.backbone.layers, first)


def _network(problem: Problem, choices: Choices, precision: str) -> Network:
    from tunewright.learning.frozen import load_encoder
    from tunewright.models.heads import make_head
    from tunewright.models.network import Network, joined_width

    encoder, width = None, problem.inputs["train"].dense.shape[1]
    if problem.backbone is not None:
        encoder = load_encoder(problem, choices.pooling, precision)
        width += joined_width(problem.backbone.width, len(problem.inputs["train"].segments))
    head = make_head(choices.head, inputs=width, outputs=problem.task.outputs, dropout=choices.head_dropout)
    return Network(encoder, head)


def batches(problem: Problem, choices: Choices) -> list[Array]:
    """The batches of the first epoch, as training will cut them."""
    from tunewright.training.batches import training_batches

    recipe, lengths = choices.recipe, problem.inputs["train"].lengths
    if choices.method == "head":
        lengths = np.ones_like(lengths)
    return training_batches(lengths, rows=recipe.batch_rows, tokens=recipe.batch_tokens, seed=(recipe.seed, 1))


def _middling(problem: Problem, choices: Choices) -> Array:
    """The batch that costs about the mean of all."""
    lengths, cut = problem.inputs["train"].lengths, batches(problem, choices)
    costs = np.array([int(lengths[rows].max()) * len(rows) for rows in cut])
    return cut[int(np.abs(costs - costs.mean()).argmin())]


def _forward(network: Network, inputs: Inputs, rows: Array) -> None:
    import torch

    from tunewright.models.precision import pick_device

    with torch.inference_mode():
        network.eval()(*inputs.tensors(rows, pick_device())).sum().item()


def _update(network: Network, inputs: Inputs, rows: Array, problem: Problem, choices: Choices) -> Callable[[], None]:
    import torch

    from tunewright.models.precision import pick_device
    from tunewright.training.flat import FlatOptimizer, groups_of

    device, recipe = pick_device(), choices.recipe
    network.to(device).train()
    optimizer = FlatOptimizer(
        groups_of(network, head=network.head, head_learning_rate=1.0),
        learning_rate=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        clip=recipe.clip,
    )
    targets = torch.from_numpy(problem.targets["train"][rows]).to(device)

    def update() -> None:
        loss = problem.task.loss(network(*inputs.tensors(rows, device)), targets, 0.0).mean()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step(1.0)

    return update


def _time(work: Callable[[], object], *, most: float = 3.0) -> Span:
    """Seconds `work` takes once warm: the fastest and the middle of two to seven, in about `most` seconds."""
    work()
    taken: list[float] = []
    while len(taken) < 2 or (len(taken) < 7 and sum(taken) < most):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return min(taken), float(np.median(taken))
