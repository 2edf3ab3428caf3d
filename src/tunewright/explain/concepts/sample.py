"""Train texts with their vectors, as many as a short while allows: those that are there already cost nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tunewright.explain.asking import Asker

Array = np.ndarray[Any, np.dtype[Any]]
MOST = 2000  # texts
FEWEST = 200  # a half of them has to show a direction
# Tokens to encode where vectors are not there: 1.4 s of one core by what is measured at `models.outputs.TOKENS`.
TOKENS = 9000
COMPARED = 8
NEAR = 0.02  # share of a vector's length: training that moves vectors by less makes no other directions of them


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Learned:
    """Rows that a model learned from.

    Args:
        typed: the rows.
        rows: (n,) their zero-based numbers in the file.
        vectors: (n, V + F) joined vectors of the backbone before any training beside dense features, or None; they are
            used where they turn out to be the model's own.
    """

    typed: pl.DataFrame
    rows: Sequence[int]
    vectors: Array | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Distinct train texts in random order.

    Args:
        texts: n of them.
        places: (n,) where they stand among the learned rows.
        vectors: (n, D) what the head sees of them.
    """

    texts: tuple[str, ...]
    places: Array
    vectors: Array


def draw_sample(asker: Asker, learned: Learned, *, seed: int = 0) -> Sample | str:
    """Distinct train texts with their vectors, or the reason why there are none to be had.

    Args:
        asker: the model.
        learned: the rows.
        seed: of the draw.
    """
    model = asker.model
    if not model.preprocessor.texts:
        return "The model reads no text, so there are no text vectors in which directions could be looked for."
    if len(model.preprocessor.texts) > 1:
        return "The model reads pairs of texts: its head sees how two texts differ, and no vector of a text alone."
    if not model.has_network:
        return f"The model was exported to {model.engine.kind}, which gives answers and no vectors."
    texts, places = _distinct(asker, learned, seed)
    if len(texts) < FEWEST:
        return (
            f"{len(texts):,} distinct train texts are too few: with fewer than {FEWEST} the halves of them cannot show "
            "whether a direction is found again."
        )
    held = _held(asker, learned, texts, places)
    if held is None:
        texts = texts[: _affordable(asker, texts)]
        held = asker.vectors(texts)
    return Sample(texts=tuple(texts), places=places[: len(texts)], vectors=held)


def _distinct(asker: Asker, learned: Learned, seed: int) -> tuple[list[str], Array]:
    """Texts that are not empty, each once, in random order."""
    drawn = np.random.default_rng(seed).permutation(learned.typed.height)[: 2 * MOST]
    (composed,) = asker.model.preprocessor.compose(learned.typed[drawn.tolist()])
    first: dict[str, int] = {}
    for place, text in zip(drawn, composed, strict=True):
        if text.strip():
            first.setdefault(text, int(place))
    texts = list(first)[:MOST]
    return texts, np.array([first[text] for text in texts], np.int64)


def _held(asker: Asker, learned: Learned, texts: Sequence[str], places: Array) -> Array | None:
    """Vectors that are there already, if a few of them turn out to be the model's; None where it learned others."""
    if learned.vectors is None:
        return None
    own = asker.vectors(texts[:COMPARED])
    there = learned.vectors[places, : own.shape[1]]
    apart = np.linalg.norm(own - there[:COMPARED], axis=1)
    return there if bool((apart <= NEAR * np.linalg.norm(own, axis=1)).all()) else None


def _affordable(asker: Asker, texts: Sequence[str]) -> int:
    """How many of the texts are encoded, from the first on."""
    assert asker.model.tokenizer is not None
    tokens = asker.model.tokenizer(texts, asker.model.preprocessor.max_length)
    return max(FEWEST, int(np.searchsorted(np.cumsum(tokens.lengths), TOKENS, side="right")))
