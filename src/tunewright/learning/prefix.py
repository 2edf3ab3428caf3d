"""Training that starts above frozen layers: what these give is computed once and mapped from then on.

Shapes: n texts, B texts and T tokens of a batch, D width.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch

from tunewright.events import Event
from tunewright.learning.cache import cache_key, look_up, token_digests
from tunewright.learning.prefix_cache import VARIABLE, PrefixCache, limit_bytes
from tunewright.learning.problem import Problem
from tunewright.models.encoder import Encoder
from tunewright.models.inputs import Inputs, pad
from tunewright.models.precision import pick_device
from tunewright.models.prefix import Bottom, TopEncoder, part_at
from tunewright.models.states import States
from tunewright.models.tokens import Tokens
from tunewright.models.trainable import frozen_blocks
from tunewright.runfolder.context import RunContext
from tunewright.training.parallel.launch import crew
from tunewright.training.recipe import Recipe

Array = np.ndarray[Any, np.dtype[Any]]
# Padded tokens of a batch whose states are computed. Texts are padded to a multiple of eight, and batches hold an even
# number of them: no matrix has a side that kernels would treat apart at its end or by where it lies in memory.
TOKENS, EIGHT, PAIR = 512, 8, 2
PARTS = ("train", "validation")


@dataclass(frozen=True, slots=True, eq=False)
class Entered:
    """The layers that train, and the rows as states of the layers under them, per part."""

    encoder: TopEncoder
    inputs: Mapping[str, Inputs]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Texts:
    """The distinct texts of all parts and what is known of them.

    Args:
        per_segment: (n, 2) digests of each segment of each part.
        tokens: of the distinct ones.
        digests: (m, 2) of these.
        cache: where their states are kept.
        bytes_per_token: of a state.
    """

    per_segment: Mapping[str, tuple[Array, ...]]
    tokens: Tokens
    digests: Array
    cache: PrefixCache
    bytes_per_token: int

    def size(self, rows: Array | None = None) -> int:
        """Bytes of the states of some distinct texts, or of all."""
        lengths = self.tokens.lengths
        return int((lengths if rows is None else lengths[rows]).sum()) * self.bytes_per_token


def enter_above(
    encoder: Encoder, problem: Problem, method: str, recipe: Recipe, *, precision: str, run: RunContext
) -> Entered | None:
    """Start training above the layers that `method` freezes, from states that are computed once.

    Frozen layers drop nothing (`set_dropout`), so that their states are the same in every epoch and the same with and
    without this. A state is computed in a batch whose shape depends on its text's length alone: its bits do not depend
    on which texts were stored already, on the split, or on test rows.

    Args:
        encoder: in its precision, on its device.
        problem: whose train and validation rows are wanted.
        method: as in `model.train`.
        recipe: what it does to texts.
        precision: of the encoder.
        run: hears what was done, or why it was not.

    Returns:
        None where no layer is frozen under one that trains, where the cache does not fit or cannot serve, and where
        several processes train: they share texts, and the frozen layers as well.

    Raises:
        PlanError: the limit in the environment is no number.
    """
    first = frozen_blocks(encoder.model, method)
    if first == 0:
        return None
    if crew() is not None:
        text = f"{_layers(first)} in every epoch, not once: training is spread over several processes."
        run.tell("train", text, computed=0, bytes=0)
        return None
    texts = _gather(encoder, problem, first, precision)
    halves = part_at(encoder, first, _sample(texts.tokens))
    computed = 0

    def fill() -> str | None:
        """Compute what is missing; returns why that failed or was not tried."""
        nonlocal computed
        missing = _missing(texts)
        if isinstance(halves, str) or (why := _why_not(texts, missing, recipe)):
            return halves if isinstance(halves, str) else why
        computed = len(missing)
        return _compute(halves[0], texts, missing, run) if computed else None

    # With states and without, training differs in last bits: what was decided once holds for the whole run.
    why = run.decide(f"prefix {method}", lambda: {"why": fill()})["why"]
    if why is None:
        why = fill() if len(_missing(texts)) else None  # stored in an earlier sitting, and gone since
        inputs = _with_states(problem, texts)
        if inputs is not None and not isinstance(halves, str):
            run.tell("train", _told(first, texts, computed), computed=computed, bytes=texts.size())
            return Entered(halves[1], inputs)
    why = why or "another process removed what was stored"
    run.tell("train", f"{_layers(first)} in every epoch, not once: {why}.", computed=0, bytes=0)
    return None


def _gather(encoder: Encoder, problem: Problem, first: int, precision: str) -> _Texts:
    assert problem.backbone is not None
    segments = {part: problem.inputs[part].segments for part in PARTS}
    per_segment = {part: tuple(token_digests(tokens) for tokens in some) for part, some in segments.items()}
    everything = np.concatenate([digests for some in per_segment.values() for digests in some])
    digests, place = np.unique(everything, axis=0, return_index=True)
    tokens = Tokens.concatenate([tokens for some in segments.values() for tokens in some]).take(place)
    key = cache_key(problem.backbone.digest, "prefix", str(first), precision, "eager", pick_device().type)
    return _Texts(
        per_segment=per_segment,
        tokens=tokens,
        digests=digests,
        cache=PrefixCache(key, limit=limit_bytes()),
        bytes_per_token=problem.backbone.width * next(encoder.model.parameters()).element_size(),
    )


def _sample(tokens: Tokens) -> tuple[torch.Tensor, torch.Tensor | None]:
    """The shortest text and one of middling length: what reads padding, or places in a text, shows in them."""
    order = np.argsort(tokens.lengths, kind="stable")
    return pad(tokens, order[[0, len(order) // 2]], pick_device())


def _missing(texts: _Texts) -> Array:
    """Which of the distinct texts are not stored."""
    return np.flatnonzero(look_up(texts.digests, texts.cache.find(texts.digests).digests) < 0)


def _why_not(texts: _Texts, missing: Array, recipe: Recipe) -> str | None:
    if texts.cache.limit == 0:
        return f"{VARIABLE} is 0"
    if not texts.size():
        return "no text has a token"
    if recipe.augment is not None and recipe.augment.of_texts:
        return f"{recipe.augment.kind} changes the texts each time"
    if pick_device().type == "cuda":
        return "reading states back has not been measured to pay on a GPU"
    if texts.size() > texts.cache.limit:
        return f"their states take {_gb(texts.size())}, more than the {_gb(texts.cache.limit)} that {VARIABLE} allows"
    if texts.size(missing) > texts.cache.room():
        return f"their states take {_gb(texts.size(missing))}, more than half of what is free on the disk"
    return None


def _compute(bottom: Bottom, texts: _Texts, missing: Array, run: RunContext) -> str | None:
    """Compute and store; returns why that failed, or None."""
    order = missing[np.argsort(texts.tokens.lengths[missing], kind="stable")]
    tokens = texts.tokens.take(order)
    width = texts.bytes_per_token // next(bottom.parameters()).element_size()
    try:
        texts.cache.add(texts.digests[order], tokens.lengths, width, _states(bottom, tokens, run))
    except OSError as error:
        return f"their states could not be stored: {error.strerror or error}"
    return None


def _states(bottom: Bottom, tokens: Tokens, run: RunContext) -> Iterator[Array]:
    """(b, D) states of the tokens of texts sorted by length, a batch at a time.

    All batches of one padded length have one shape, filled up with a text that is there: the kernels, and so the order
    of their sums, depend on the shape, and a state must not depend on which other texts were wanted.
    """
    device, lengths, start = pick_device(), tokens.lengths, 0
    padded = np.maximum(-(-lengths // EIGHT), 1) * EIGHT
    bottom.eval()
    while start < len(tokens):
        length = int(padded[start])
        full = max(TOKENS // length // PAIR * PAIR, PAIR)
        stop = min(start + full, int(np.searchsorted(padded, length, side="right")))
        rows = np.full(full, start)
        rows[: stop - start] = np.arange(start, stop)
        with torch.inference_mode():
            hidden = bottom(*pad(tokens, rows, device, length)).cpu()
        hidden = hidden[torch.from_numpy(np.arange(length) < lengths[rows, None])][: int(lengths[start:stop].sum())]
        yield (hidden.view(torch.int16) if hidden.dtype == torch.bfloat16 else hidden).numpy()
        start = stop
        run.observe(Event(station="encode", what="progress", data={"done": start, "total": len(tokens)}))


def _with_states(problem: Problem, texts: _Texts) -> dict[str, Inputs] | None:
    """The rows of each part with their states, or None where one is missing."""
    found, inputs = texts.cache.find(texts.digests), {}
    for part, per_segment in texts.per_segment.items():
        places = [look_up(digests, found.digests) for digests in per_segment]
        if any((place < 0).any() for place in places):
            return None
        states = tuple(
            States(found.sources, found.source[place], found.starts[place], found.lengths[place]) for place in places
        )
        inputs[part] = replace(problem.inputs[part], states=states)
    return inputs


def _told(first: int, texts: _Texts, computed: int) -> str:
    kept = len(texts.digests) - computed
    return (
        f"{_layers(first)} once: {computed:,} texts now, {kept:,} from earlier; "
        f"their states take {texts.size() / 1e6:,.0f} MB."
    )


def _layers(count: int) -> str:
    return "The frozen layer is computed" if count == 1 else f"The {count} frozen layers are computed"


def _gb(size: int) -> str:
    return f"{size / 2**30:,.2g} GB"
