"""Which encoder all ranks hold, and the parts of a table that travel between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tunewright.errors import ModelError
from tunewright.models.encoder import Encoder
from tunewright.models.inputs import Inputs
from tunewright.models.tokens import Tokens

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """A pretrained encoder that every rank loads for itself.

    Args:
        backbone: its name in the plan: found on every machine.
        digest: SHA-256 of its files, which must agree.
        pooling: mean | cls | max.
        precision: float32 | bfloat16.
    """

    backbone: str
    digest: str
    pooling: str
    precision: str

    def to_json(self) -> dict[str, str]:
        """Plain JSON values."""
        return asdict(self)

    def load(self) -> Encoder:
        """Find, check and load it here.

        Raises:
            ModelError: it is not here, damaged, or another one.
        """
        from tunewright.models.backbone import load_folder, locate
        from tunewright.models.precision import DTYPES, pick_device

        found = locate(self.backbone)
        if found.digest != self.digest:
            raise ModelError(
                f"Every machine must hold the same files of {self.backbone}. Those in {found.folder} are others. "
                "Copy them from the first machine."
            )
        encoder = Encoder(load_folder(found.folder), self.pooling)
        encoder.model.to(DTYPES[self.precision])
        return encoder.to(pick_device())


def share(rows: int, rank: int, world: int) -> Array:
    """Places of a rank's rows in a batch: every `world`-th, so that lengths are spread evenly.

    >>> share(5, 0, 2).tolist(), share(5, 1, 2).tolist(), share(1, 1, 2).tolist()
    ([0, 2, 4], [1, 3], [])
    """
    return np.arange(rank, rows, world)


def to_arrays(segments: Sequence[Tokens]) -> list[Array]:
    """The arrays that tokens travel as."""
    return [array for one in segments for array in (np.asarray(one.ids, np.int32), np.asarray(one.offsets, np.int64))]


def to_inputs(arrays: Sequence[Array]) -> Inputs:
    """Rows with texts alone, from `to_arrays`.

    >>> tokens = Tokens(np.array([1, 2, 3], np.int32), np.array([0, 2, 3]), np.array([2, 1]))
    >>> to_inputs(to_arrays([tokens])).lengths.tolist()
    [2, 1]
    """
    pairs = zip(arrays[::2], arrays[1::2], strict=True)
    segments = tuple(Tokens(ids, offsets, np.diff(offsets)) for ids, offsets in pairs)
    return Inputs(segments, np.zeros((len(segments[0]), 0), np.float32))
