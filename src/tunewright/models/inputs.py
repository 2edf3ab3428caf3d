"""What the model eats: ragged tokens and dense features of n rows; and batches of them, bounded in tokens.

Shapes: B rows, T tokens, F features.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tunewright.models.tokens import Tokens

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from tunewright.models.network import Segment
    from tunewright.models.states import States

Array = np.ndarray[Any, np.dtype[Any]]
ROWS = 256  # of a forward pass, at most


@dataclass(frozen=True, slots=True)
class Inputs:
    """Rows ready for a network.

    Args:
        segments: ragged tokens, one entry per text of a row: none, one, or two for pairs.
        dense: (n, F) float32 fitted features; F may be zero.
        states: what frozen lower layers made of the segments, for a network that starts above them; else nothing.
    """

    segments: tuple[Tokens, ...]
    dense: Array
    states: tuple[States, ...] = ()

    def __len__(self) -> int:
        return len(self.dense)

    @property
    def lengths(self) -> Array:
        """(n,) tokens a row costs; one for rows without text."""
        return np.maximum(sum((s.lengths for s in self.segments), np.zeros(len(self), np.int64)), 1)

    def take(self, rows: Array) -> Inputs:
        """The rows at these positions, in that order."""
        segments = tuple(tokens.take(rows) for tokens in self.segments)
        return Inputs(segments, self.dense[rows], tuple(states.take(rows) for states in self.states))

    def tensors(self, rows: Array, device: torch.device) -> tuple[list[Segment], Tensor | None]:
        """Padded tensors of one batch, as `Network.forward` takes them."""
        import torch

        dense = torch.from_numpy(self.dense[rows]).to(device) if self.dense.shape[1] else None
        if self.states:
            return [s.pad(rows, device) for s in self.states], dense
        return [pad(s, rows, device) for s in self.segments], dense


def pad(tokens: Tokens, rows: Array, device: torch.device, length: int | None = None) -> Segment:
    """Pad the texts at `rows` to the longest, or to a greater length; the mask is None where all have that length.

    >>> import torch
    >>> tokens = Tokens(np.array([5, 6, 7]), np.array([0, 2, 3]), np.array([2, 1]))
    >>> ids, mask = pad(tokens, np.array([0, 1]), torch.device("cpu"))
    >>> ids.tolist(), mask.tolist()
    ([[5, 6], [7, 0]], [[1, 1], [1, 0]])
    """
    import torch

    ids, real = padded(tokens, rows, length)
    mask = None if real.all() else torch.from_numpy(real.astype(np.int64)).to(device)
    return torch.from_numpy(ids).to(device), mask


def padded(tokens: Tokens, rows: Array, length: int | None = None) -> tuple[Array, Array]:
    """(B, T) int64 ids of the texts at `rows`, zeros behind short ones, and which of them are real.

    >>> tokens = Tokens(np.array([5, 6, 7]), np.array([0, 2, 3]), np.array([2, 1]))
    >>> [array.tolist() for array in padded(tokens, np.array([1]), 3)]
    [[[7, 0, 0]], [[True, False, False]]]
    """
    starts, lengths = tokens.offsets[rows], tokens.lengths[rows]
    places = np.arange(int(lengths.max()) if length is None else length)
    real = places < lengths[:, None]
    ids = np.where(real, tokens.ids[np.minimum(starts[:, None] + places, len(tokens.ids) - 1)], 0)
    return ids.astype(np.int64), real


def evaluation_batches(lengths: Array, *, tokens: int, rows: int = ROWS) -> list[Array]:
    """Cut all rows into batches sorted by length, longest first, so that memory peaks at once or never."""
    order = np.argsort(lengths, kind="stable")
    return cut_batches(order, lengths, rows, tokens)[::-1]


def cut_batches(sorted_rows: Array, lengths: Array, rows: int, tokens: int) -> list[Array]:
    """Cut rows sorted by length into batches of at most `rows` rows and `tokens` padded tokens."""
    batches, start = [], 0
    for stop in range(1, len(sorted_rows) + 1):
        count = stop - start
        ends = stop == len(sorted_rows)
        if ends or count == rows or int(lengths[sorted_rows[stop]]) * (count + 1) > tokens:
            batches.append(sorted_rows[start:stop])
            start = stop
    return batches
