"""What a run would cost on this machine: rows, tokens, weights, memory, minutes, and what its test part can show."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from tunewright.learning.problem import Problem
from tunewright.learning.recipes import Choices, choose
from tunewright.plan import Plan
from tunewright.records import PARTS
from tunewright.stats import smallest_detectable_difference
from tunewright.stories.prepare import Prepared, pose
from tunewright.stories.training.timing import Measured, batches, measure

Array = np.ndarray[Any, np.dtype[Any]]
ASSUMED_ACCURACY = 0.9
# Measured: Python with torch, transformers, polars and scikit-learn imported, evaluation and baselines beside it; what
# a transformer's first batches add: compiled kernels, and holes in the heap.
BASE_MB, TEXT_MB = 570, 120
# Batches come in many sizes, and what one frees the heap keeps for others that may not fit: at the peak, 900 rows
# of emobank held 2.6 times the activations of their costliest batch, of sms_spam 3.2 times, of titanic (short) 1.0.
HOLES = 2.5
OFF = 0.3
START_SECONDS = 5.0
# Dense arithmetic of the probe's solver on the few cores of a laptop, FLOP/s.
SOLVER_FLOPS = 4e10


def forecast(prepared: Prepared, plan: Plan) -> dict[str, Any]:
    """Forecast a run without running it; plain JSON values.

    Texts are tokenised, one forward pass and one update of the real batch shape are timed, the rest is arithmetic.

    Memory, in bytes, with P weights, T of them trainable, b bytes each while computing (docs: PERFORMANCE, "physics"):

    * all weights as computed with: b P;
    * per trainable weight: gradient b, AdamW's two moments 8, the best epoch's copy b, and in bfloat16 a float32
      master, 4 more: 16 either way, and 4 for a running mean of the weights;
    * activations of the costliest batch, or of a forward pass where that is more (`models.footprint`), 2.5 times;
    * frozen vectors and table features of all rows, four copies in float32; linear weights of the words; and what the
      libraries and their allocators take, more where a transformer runs (`BASE_MB`, `TEXT_MB`: measured).

    Returns:
        `rows` per part; `tokens` (None without text): total, mean, max_length, cut_share, distinct_texts, cached;
        `train`, `parameters`, `trainable`; `memory_mb`: expected, low, high, and the limit; `minutes`: low and high;
        `detectable`: the smallest difference in accuracy the test part shows at 80 % power where accuracy is 0.9;
        `notes` on automatic choices, and on memory that does not suffice.

    Raises:
        ModelError: the backbone cannot be used.
    """
    problem = pose(prepared, plan)
    ladder, minutes = plan.splits.folds == 1, plan.budget.minutes
    choices = choose(problem, plan.model, plan.training, plan.augment, ladder=ladder, minutes=minutes)
    started = time.monotonic()
    precision = _precision(problem)
    tokens, missing = _tokens(problem, choices, precision)
    measured = measure(problem, choices, precision)
    loading = time.monotonic() - started
    memory = _memory(problem, choices, measured, plan)
    return {
        "rows": prepared.split.sizes(),
        "tokens": tokens,
        "train": choices.method,
        "parameters": measured.parameters,
        "trainable": measured.trainable,
        "memory_mb": memory,
        "minutes": _with_folds(
            _minutes(problem, choices, measured, missing=missing, loading=loading), plan.splits.folds
        ),
        "detectable": _detectable(len(prepared.split.test)),
        "notes": [*choices.notes, *_tight(memory)],
    }


def _precision(problem: Problem) -> str:
    from tunewright.learning.frozen import decide_precision
    from tunewright.runfolder.context import RunContext

    return decide_precision(problem, RunContext())


def _tokens(problem: Problem, choices: Choices, precision: str) -> tuple[dict[str, Any] | None, int]:
    """What is known of the texts, and how many tokens are still to be encoded."""
    from tunewright.learning.cache import VectorCache, look_up, token_digests
    from tunewright.learning.encode import encoder_key

    if problem.backbone is None:
        return None, 0
    segments = [segment for part in PARTS for segment in problem.inputs[part].segments]
    digests = np.concatenate([token_digests(segment) for segment in segments])
    lengths = np.concatenate([segment.lengths for segment in segments])
    distinct, first = np.unique(digests, axis=0, return_index=True)
    key = encoder_key(weights=problem.backbone.digest, pooling=choices.pooling, precision=precision)
    held, _ = VectorCache(key).load(distinct)
    missing = look_up(distinct, held) < 0
    rows = sum(len(problem.inputs[part]) for part in PARTS)
    about = {
        "total": int(lengths.sum()),
        "mean": round(float(lengths.sum()) / max(rows, 1), 1),
        "max_length": problem.preprocessor.max_length,
        "cut_share": problem.preprocessor.cut_share,
        "distinct_texts": len(distinct),
        "cached": int((~missing).sum()),
    }
    return about, int(lengths[first[missing]].sum())


def _memory(problem: Problem, choices: Choices, measured: Measured, plan: Plan) -> dict[str, int]:
    """The range of the peak of resident memory in MB, and its limit; the formula stands at `forecast`."""
    from tunewright.models.precision import pick_device
    from tunewright.models.room import find_room

    held: float = measured.parameters * measured.bytes
    held += measured.trainable * (16 if choices.recipe.averaging == "none" else 20)
    width = problem.inputs["train"].dense.shape[1]
    if problem.backbone is not None:
        width += problem.backbone.width * len(problem.inputs["train"].segments)
        held += TEXT_MB * 1e6 + HOLES * _activations(problem, choices, measured.bytes)
    rows = sum(len(problem.inputs[part]) for part in PARTS)
    held += 4 * rows * (4 * width + 6 * problem.task.outputs)
    peak = BASE_MB + held / 1e6
    limit = find_room(pick_device(), budget_gb=plan.budget.memory_limit).limit / 1e6
    return {
        "expected": round(peak),
        "low": round(peak / (1 + OFF)),
        "high": round(peak * (1 + OFF)),
        "limit": round(limit),
    }


def _activations(problem: Problem, choices: Choices, size: int) -> float:
    from tunewright.models.footprint import shape_of
    from tunewright.models.inputs import ROWS
    from tunewright.models.outputs import tokens_at_once
    from tunewright.models.precision import pick_device

    backbone, inputs = problem.backbone, problem.inputs["train"]
    assert backbone is not None
    shape = shape_of(backbone.folder, width=backbone.width, layers=backbone.layers, bytes=size)
    taken = shape.checkpointed if choices.recipe.gradient_checkpointing is True else shape.training
    training = 0.0
    if choices.method != "head":
        cut = batches(problem, choices)
        training = max(taken(len(rows), int(inputs.lengths[rows].max())) for rows in cut)
    longest = int(inputs.lengths.max())
    return max(training, shape.evaluation(min(tokens_at_once(pick_device()), ROWS * longest), longest))


def _tight(memory: Mapping[str, int]) -> list[str]:
    """What a run would do where it needs more than there is."""
    if memory["high"] <= memory["limit"]:
        return []
    return [
        f"Memory: up to {memory['high']:,} MB where {memory['limit']:,} MB may be held. A run measures it before the "
        "first update; batches that have no room are computed in parts, with the same result."
    ]


def _minutes(
    problem: Problem, choices: Choices, measured: Measured, *, missing: int, loading: float
) -> dict[str, float]:
    """The range of the wall time in minutes.

    Low: the machine at its fastest, and a stop as early as patience allows. High: at its usual, and every epoch.
    """
    tokens = {part: int(problem.inputs[part].lengths.sum()) for part in PARTS}
    epochs, patience = choices.recipe.epochs, choices.recipe.early_stopping
    fewest = min(epochs, patience + 1) if patience else epochs
    if choices.method == "head" and choices.head == "linear":
        epochs = fewest = 0  # the probe is all there is to train
    elif choices.rungs[1:]:
        epochs += 1  # the rung that is tried first costs less than an epoch of all layers
    judged = 1 if choices.recipe.averaging == "none" else 2  # the mean of the weights is judged, too
    validation = judged * tokens["validation"] * (1 - measured.once) if choices.method != "head" else 0
    # Encoding, at the end every part once more, and the bundle's proof on up to 512 rows twice.
    passes: float = missing + sum(tokens.values()) + 2 * min(tokens["validation"], 512 * 64)
    passes += measured.once * (tokens["train"] + tokens["validation"])
    updates = len(batches(problem, choices))
    once = START_SECONDS + loading + _solvers(problem)
    low, high = (
        once + forward * passes + count * (step * updates + forward * validation)
        for count, step, forward in zip((fewest, epochs), measured.step, measured.forward, strict=True)
    )
    return {"low": round(0.8 * low / 60, 2), "high": round(1.4 * high / 60, 2)}


def _with_folds(minutes: dict[str, float], folds: int) -> dict[str, float]:
    """The recipe is trained once in each fold and once on all rows."""
    times = folds + 1 if folds > 1 else 1
    return {name: round(value * times, 2) for name, value in minutes.items()}


def _solvers(problem: Problem) -> float:
    """Seconds of the probe, the linear model on words, boosting and the bootstrap."""
    rows, outputs = len(problem.inputs["train"]), problem.task.outputs
    dense = problem.inputs["train"].dense.shape[1]
    width = dense + (problem.backbone.width if problem.backbone else 0)
    scales = 4 if dense and problem.backbone else 1
    return float(scales * 250 * 4.0 * rows * width * outputs / SOLVER_FLOPS)


def _detectable(rows: int) -> dict[str, Any]:
    smallest = smallest_detectable_difference(max(rows, 1), p=ASSUMED_ACCURACY)
    return {
        "difference": smallest,
        "power": 0.8,
        "assumed_accuracy": ASSUMED_ACCURACY,
        "text": f"{rows:,} test rows show a difference in accuracy of {100 * smallest:.1f} points or more "
        f"(80 % power, accuracy {ASSUMED_ACCURACY:g} assumed)",
    }
