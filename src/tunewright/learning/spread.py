"""What learning asks of the other processes of a run, where `torchrun` started some; alone, it asks nobody."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from tunewright.learning.problem import Problem
from tunewright.runfolder.context import RunContext
from tunewright.training.parallel.launch import crew

if TYPE_CHECKING:
    import torch

    from tunewright.bundle.model import Predict
    from tunewright.events import Observer
    from tunewright.learning.encode import Encode
    from tunewright.models.encoder import Encoder
    from tunewright.models.inputs import Inputs
    from tunewright.models.network import Network
    from tunewright.models.outputs import Tick
    from tunewright.training.parallel.compute import Compute
    from tunewright.training.parallel.spec import Spec

Array = np.ndarray[Any, np.dtype[Any]]
# Rows from which a pass over texts is worth the seconds in which every process loads the encoder.
WORTH = 512


@contextmanager
def spread_training(
    network: Network, problem: Problem, pooling: str, precision: str, *, run: RunContext
) -> Iterator[Compute]:
    """Where a network trains: over all processes, or here where it has no encoder or there is no other process.

    Args:
        network: as it will train.
        problem: whose backbone it has.
        pooling: of the encoder.
        precision: of the encoder.
        run: hears how it is spread, journals what is decided about that; its signals reach every process.
    """
    from tunewright.training.parallel.compute import Here

    led = crew()
    if led is None or network.encoder is None or problem.backbone is None:
        yield Here()
        return
    spec = _spec(problem, pooling, precision)
    with led.encoder(
        spec, width=problem.backbone.width, observe=run.observe, stop=run.stop, decide=run.decide
    ) as spread:
        yield spread


@contextmanager
def spread_predict(
    network: Network, problem: Problem, pooling: str, precision: str, *, rows: int
) -> Iterator[Predict | None]:
    """How a trained network answers rows: with the help of all processes, or None where that is not worth it.

    Args:
        network: trained, its encoder in the layout of the backbone.
        problem: whose backbone it has.
        pooling: of the encoder.
        precision: of the encoder.
        rows: of the largest table to answer.
    """
    led = crew()
    if led is None or network.encoder is None or problem.backbone is None or rows < WORTH:
        yield None
        return
    with led.encoder(_spec(problem, pooling, precision), width=problem.backbone.width) as spread:
        spread.send_weights(cast("Encoder", network.encoder))
        yield spread.predict


def spread_encode(problem: Problem, pooling: str, precision: str) -> Encode | None:
    """How texts are encoded by the frozen backbone with the help of all processes; None where this one is alone."""
    led, backbone = crew(), problem.backbone
    if led is None or backbone is None:
        return None

    def encode(encoder: Encoder, inputs: Inputs, *, device: torch.device, tick: Tick, observe: Observer) -> Array:
        from tunewright.models.outputs import encode_inputs

        if len(inputs) < WORTH:
            return encode_inputs(encoder, inputs, device=device, tick=tick, observe=observe)
        with led.encoder(_spec(problem, pooling, precision), width=backbone.width) as spread:
            return spread.vectors(encoder, inputs, device=device, tick=tick, observe=observe)

    return encode


def _spec(problem: Problem, pooling: str, precision: str) -> Spec:
    from tunewright.training.parallel.spec import Spec

    assert problem.backbone is not None
    return Spec(backbone=problem.backbone.name, digest=problem.backbone.digest, pooling=pooling, precision=precision)
