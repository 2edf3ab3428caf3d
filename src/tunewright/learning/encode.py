"""Encode texts once: look the vectors up, compute what is missing, keep it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tunewright.events import Event, Observer
from tunewright.learning.cache import VectorCache, cache_key, look_up, token_digests
from tunewright.models.tokens import Tokens

if TYPE_CHECKING:
    import torch

    from tunewright.models.encoder import Encoder
    from tunewright.models.inputs import Inputs
    from tunewright.models.outputs import Tick

Array = np.ndarray[Any, np.dtype[Any]]


class Encode(Protocol):
    """Computes vectors, somehow."""

    def __call__(
        self, encoder: Encoder, inputs: Inputs, *, device: torch.device, tick: Tick, observe: Observer
    ) -> Array:
        """(n, V) float32 joined vectors."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class FrozenEncoder:
    """A pretrained encoder before any training, as far as vectors are concerned.

    Args:
        key: digest of weights, tokenizer, pooling, precision and attention kernel.
        load: gives the encoder in its precision, on its device; called only where a vector is missing.
        device: where it computes.
        run: in place of `encode_inputs`, where other processes help.
    """

    key: str
    load: Callable[[], Encoder]
    device: torch.device
    run: Encode | None = None

    def encode(self, segments: Sequence[Tokens], observe: Observer) -> tuple[list[Array], int]:
        """Vectors of every segment.

        Returns:
            (n, D) float32 per segment, and how many distinct texts had to be computed.
        """
        cache = VectorCache(self.key)
        wanted = [token_digests(tokens) for tokens in segments]
        distinct, first = np.unique(np.concatenate(wanted), axis=0, return_index=True)
        held, vectors = cache.load(distinct)
        missing = look_up(distinct, held) < 0
        if missing.any():
            new = self._compute(Tokens.concatenate(segments).take(first[missing]), observe)
            cache.add(distinct[missing], new)
            held = np.concatenate([held, distinct[missing]])
            vectors = np.concatenate([vectors.reshape(-1, new.shape[1]), new])
        return [vectors[look_up(digests, held)] for digests in wanted], int(missing.sum())

    def _compute(self, tokens: Tokens, observe: Observer) -> Array:
        from tunewright.models.inputs import Inputs
        from tunewright.models.outputs import encode_inputs

        def tick(done: int, total: int) -> None:
            observe(Event(station="encode", what="progress", data={"done": done, "total": total}))

        inputs = Inputs((tokens,), np.zeros((len(tokens), 0), np.float32))
        run = self.run or encode_inputs
        return run(self.load(), inputs, device=self.device, tick=tick, observe=observe)


def encoder_key(*, weights: str, pooling: str, precision: str) -> str:
    """The cache key of a frozen encoder; the attention kernel is always the plain one (docs/decisions/001).

    max_length has no part in it: a text's digest is taken of its token ids as cut.
    """
    return cache_key(weights, pooling, precision, "eager")


def join_frozen(vectors: Sequence[Array]) -> Array:
    """One (n, D) array per segment to (n, V) joined vectors, as the network joins them."""
    if len(vectors) == 1:
        return vectors[0]
    import torch

    from tunewright.models.network import join_vectors

    return join_vectors([torch.from_numpy(v) for v in vectors]).numpy()
