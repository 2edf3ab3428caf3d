"""Hidden states of texts as ragged arrays: what a frozen prefix of layers gave, read where it lies, padded per batch.

Shapes: n texts, t tokens of one source, B texts and T tokens of a batch, D width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class States:
    """Hidden states of n texts, spread over a few sources, which are usually mapped files.

    Args:
        sources: each (t, D), the tokens of many texts end to end: float32, or int16 with the bits of bfloat16, which
            numpy does not know.
        source: (n,) which of them holds a text.
        starts: (n,) where in it the text's tokens begin.
        lengths: (n,) tokens.
    """

    sources: tuple[Array, ...]
    source: Array
    starts: Array
    lengths: Array

    def __len__(self) -> int:
        return len(self.lengths)

    def take(self, rows: Array) -> States:
        """The texts at these positions, in that order; no state is copied."""
        return States(self.sources, self.source[rows], self.starts[rows], self.lengths[rows])

    def pad(self, rows: Array, device: torch.device) -> tuple[Tensor, Tensor | None]:
        """(B, T, D) states of the texts at `rows`, zeros behind short ones, and their mask; None where all are equal.

        >>> source = np.array([[1.0], [2.0], [3.0]], np.float32)
        >>> states = States((source,), np.zeros(2, int), np.array([0, 1]), np.array([1, 2]))
        >>> hidden, mask = states.pad(np.array([0, 1]), torch.device("cpu"))
        >>> hidden.squeeze(-1).tolist(), mask.tolist()
        ([[1.0, 0.0], [2.0, 3.0]], [[1, 0], [1, 1]])
        """
        lengths = self.lengths[rows]
        longest, first = int(lengths.max()), self.sources[0]
        hidden = np.zeros((len(rows), longest, first.shape[1]), first.dtype)
        for place, (source, start, length) in enumerate(
            zip(self.source[rows], self.starts[rows], lengths, strict=True)
        ):
            hidden[place, :length] = self.sources[source][start : start + length]
        real = np.arange(longest) < lengths[:, None]
        mask = None if real.all() else torch.from_numpy(real.astype(np.int64)).to(device)
        tensor = torch.from_numpy(hidden)
        return (tensor.view(torch.bfloat16) if hidden.dtype == np.int16 else tensor).to(device), mask
