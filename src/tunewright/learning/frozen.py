"""Frozen features of a problem: which precision, and the joined vectors of every part."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tunewright.learning.encode import FrozenEncoder, encoder_key, join_frozen
from tunewright.learning.problem import Problem
from tunewright.models.precision import DTYPES, measure_precision, pick_device
from tunewright.records import PARTS
from tunewright.runfolder.context import RunContext

if TYPE_CHECKING:
    from tunewright.models.encoder import Encoder

Array = np.ndarray[Any, np.dtype[Any]]


def decide_precision(problem: Problem, run: RunContext) -> str:
    """The precision of the encoder, measured on this machine and journalled before use."""
    if problem.backbone is None:
        return "float32"
    from tunewright.models.backbone import load_folder

    folder = problem.backbone.folder
    decided = run.decide("precision", lambda: measure_precision(load_folder(folder), pick_device()))
    run.tell("train", f"Precision: {decided['precision']}, {decided['why']}.")
    return str(decided["precision"])


def load_encoder(problem: Problem, pooling: str, precision: str) -> Encoder:
    """The pretrained encoder of a problem with text, in its precision, on its device."""
    from tunewright.models.backbone import load_folder
    from tunewright.models.encoder import Encoder

    assert problem.backbone is not None
    encoder = Encoder(load_folder(problem.backbone.folder), pooling)
    encoder.model.to(DTYPES[precision])
    return encoder.to(pick_device())


def frozen_features(problem: Problem, pooling: str, precision: str, run: RunContext) -> dict[str, Array]:
    """Per part (n, V + F): joined frozen vectors beside dense features.

    The test part is encoded in a pass of its own: a vector's last bits depend on its company in a batch, and nothing
    that is fitted may depend on test rows, not even by a bit.
    """
    parts = [part for part in PARTS if len(problem.inputs[part])]
    if problem.backbone is None:
        return {part: problem.inputs[part].dense for part in parts}
    frozen = FrozenEncoder(
        key=encoder_key(weights=problem.backbone.digest, pooling=pooling, precision=precision),
        load=cache(lambda: load_encoder(problem, pooling, precision)),
        device=pick_device(),
    )
    computed, features = 0, dict[str, Array]()
    for together in ([part for part in parts if part != "test"], [part for part in parts if part == "test"]):
        segments = [tokens for part in together for tokens in problem.inputs[part].segments]
        vectors, new = frozen.encode(segments, run.observe) if segments else ([], 0)
        computed += new
        for part in together:
            count = len(problem.inputs[part].segments)
            features[part] = np.concatenate([join_frozen(vectors[:count]), problem.inputs[part].dense], axis=1)
            vectors = vectors[count:]
    run.tell("encode", f"{computed} texts encoded, the rest came from the cache.", computed=computed)
    return features
