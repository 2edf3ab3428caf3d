"""Training batches: about equal lengths, bounded in tokens, another company for every row in every epoch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tunewright.models.inputs import cut_batches

Array = np.ndarray[Any, np.dtype[Any]]


def training_batches(lengths: Array, *, rows: int, tokens: int, seed: Sequence[int]) -> list[Array]:
    """Shuffle rows into batches of about equal length, at most `rows` rows and `tokens` padded tokens each.

    Rows are shuffled, cut into pools of 24 batches, sorted by length within a pool, cut into batches, and the batches
    shuffled: nearly no padding, and still a different company for each row in every epoch. A pure function of its
    arguments, so a resumed epoch has the same batches.

    >>> [batch.tolist() for batch in training_batches(np.array([2, 9, 2]), rows=2, tokens=10, seed=[0])]
    [[1], [2, 0]]
    """
    rng = np.random.default_rng(list(seed))
    order = rng.permutation(len(lengths))
    pool = rows * 24
    batches: list[Array] = []
    for start in range(0, len(order), pool):
        part = order[start : start + pool]
        batches.extend(cut_batches(part[np.argsort(lengths[part], kind="stable")], lengths, rows, tokens))
    return [batches[i] for i in rng.permutation(len(batches))]
