"""Frozen features of a problem: which precision, and the joined vectors of every part."""

from __future__ import annotations

import platform
from contextlib import suppress
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from tunewright.errors import RunError
from tunewright.learning.cache import cache_key
from tunewright.learning.encode import FrozenEncoder, encoder_key, join_frozen
from tunewright.learning.problem import Problem
from tunewright.learning.spread import spread_encode
from tunewright.models.precision import DTYPES, measure_precision, pick_device
from tunewright.records import PARTS
from tunewright.runfolder import read_json, write_json
from tunewright.runfolder.context import RunContext
from tunewright.runfolder.home import home

if TYPE_CHECKING:
    from tunewright.models.backbone import Backbone
    from tunewright.models.encoder import Encoder
    from tunewright.models.inputs import Inputs

Array = np.ndarray[Any, np.dtype[Any]]


def decide_precision(problem: Problem, run: RunContext, *, tell: bool = False) -> str:
    """The precision of the encoder: the plan's, or measured once for this machine and backbone.

    What is measured is journalled by the run before use.
    """
    if problem.backbone is None:
        return "float32"
    if problem.precision != "auto":
        if tell:
            run.tell("train", f"Precision: {problem.precision}, as the plan says.")
        return problem.precision
    backbone = problem.backbone
    decided = run.decide("precision", lambda: _measured_once(backbone))
    if tell:
        run.tell("train", f"Precision: {decided['precision']}, {decided['why']}.")
    return str(decided["precision"])


def _measured_once(backbone: Backbone) -> Any:
    """Measure, or take what an earlier run measured: a timing repeated on a busy day must not orphan the cache."""
    import torch

    from tunewright.models.backbone import load_folder

    device = pick_device()
    name = torch.cuda.get_device_name() if device.type == "cuda" else str(torch.get_num_threads())
    key = cache_key(backbone.digest, torch.__version__, platform.processor(), device.type, name)
    kept = home() / "precision" / f"{key}.json"
    try:
        return read_json(kept)
    except RunError:
        measured = measure_precision(load_folder(backbone.folder), device)
    # A home that cannot be written costs the next run two seconds, no more.
    with suppress(RunError, OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        write_json(kept, measured)
    return measured


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
    frozen = _frozen_encoder(problem, pooling, precision)
    computed, features = 0, dict[str, Array]()
    for together in ([part for part in parts if part != "test"], [part for part in parts if part == "test"]):
        segments = [tokens for part in together for tokens in problem.inputs[part].segments]
        vectors, new = frozen.encode(segments, run.observe) if segments else ([], 0)
        computed += new
        for part in together:
            count = len(problem.inputs[part].segments)
            features[part] = np.concatenate([join_frozen(vectors[:count]), problem.inputs[part].dense], axis=1)
            vectors = vectors[count:]
    if computed:
        run.tell("encode", f"{computed} texts encoded, the rest came from the cache.", computed=computed)
    return features


def frozen_inputs(
    problem: Problem, inputs: Inputs, *, pooling: str, precision: str, run: RunContext, apart: str
) -> Array:
    """(n, V + F): the same of other rows with text, whose vectors are kept apart from those of the problem's own.

    Args:
        problem: whose backbone encodes.
        inputs: the rows.
        pooling: of the encoder.
        precision: of the encoder.
        run: hears progress.
        apart: names the store in which the vectors are kept.
    """
    vectors, computed = _frozen_encoder(problem, pooling, precision, apart=apart).encode(inputs.segments, run.observe)
    if computed:
        run.tell("encode", f"{computed} changed texts encoded, the rest came from the cache.", computed=computed)
    return np.concatenate([join_frozen(vectors), inputs.dense], axis=1)


def _frozen_encoder(problem: Problem, pooling: str, precision: str, *, apart: str = "") -> FrozenEncoder:
    assert problem.backbone is not None
    key = encoder_key(weights=problem.backbone.digest, pooling=pooling, precision=precision)
    return FrozenEncoder(
        key=cache_key(key, apart) if apart else key,
        load=cache(lambda: load_encoder(problem, pooling, precision)),
        device=pick_device(),
        run=spread_encode(problem, pooling, precision),
    )
