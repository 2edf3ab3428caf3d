"""The rows a model was judged on, as numbers without their texts: what new rows are compared with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tunewright.bundle.model import FittedModel

Array = np.ndarray[Any, np.dtype[Any]]
MOST = 2000


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Reference:
    """m rows that the model did not learn from, in the order of their file, and its answers.

    Args:
        plain: (m, C) float64, table columns as `Featurizer.plain` gives them.
        lengths: (m, S) characters of the texts.
        vectors: (m, V) float16, what the encoder makes of the texts; V is 0 without text.
        outputs: (m, K) float32, of the whole model.
        targets: (m,) or (m, K), encoded by the task; None where the rows are not labelled.
    """

    plain: Array
    lengths: Array
    vectors: Array
    outputs: Array
    targets: Array | None = None

    @property
    def rows(self) -> int:
        """How many."""
        return len(self.outputs)

    def arrays(self) -> dict[str, Array]:
        """What is written to a file."""
        found = {name: getattr(self, name) for name in ("plain", "lengths", "vectors", "outputs")}
        return found if self.targets is None else {**found, "targets": self.targets}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Reference:
        """Rebuild what `arrays` gave.

        Raises:
            ValueError: the arrays do not belong together.
        """
        found = cls(**{name: arrays[name] for name in ("plain", "lengths", "vectors", "outputs")})
        if any(len(one) != found.rows for one in arrays.values()):
            raise ValueError("arrays of different lengths")
        return cls(**found.arrays(), targets=arrays.get("targets"))


def describe_rows(model: FittedModel, typed: pl.DataFrame) -> Reference:
    """Typed rows as numbers, labelled where all of them have a target.

    Costs two forward passes per row.
    """
    preprocessor = model.preprocessor
    composed = preprocessor.compose(typed)
    lengths = [[len(text) for text in texts] for texts in composed]
    target = preprocessor.table.target
    labelled = target in typed.columns and typed[target].null_count() == 0
    return Reference(
        plain=np.asarray(preprocessor.featurizer.plain(typed), np.float64),
        lengths=np.array(lengths, np.int64).reshape(len(lengths), typed.height).T,
        vectors=_vectors(model, typed).astype(np.float16),
        outputs=np.asarray(model.outputs(typed), np.float32),
        targets=np.asarray(model.task.encode(typed[target])) if labelled else None,
    )


def _vectors(model: FittedModel, typed: pl.DataFrame) -> Array:
    """(n, V) of unit length, so that half precision holds them; V is 0 where there is no network to ask for them."""
    from tunewright.models.encoder import Encoder
    from tunewright.models.outputs import encode_inputs

    if not model.has_network or not isinstance(model.network.encoder, Encoder):
        return np.zeros((typed.height, 0), np.float32)
    inputs = model.preprocessor.inputs(typed, model.tokenizer)
    found = encode_inputs(model.network.encoder, inputs, device=model.device)
    return np.asarray(found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-12))


def drawn(rows: int, *, seed: int, most: int = MOST) -> Array:
    """(at most `most`,) places of rows, ascending: all of them, or so many drawn at random.

    >>> drawn(3, seed=0).tolist()
    [0, 1, 2]
    """
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
