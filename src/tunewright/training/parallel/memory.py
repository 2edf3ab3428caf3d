"""Whether each rank keeps all of the optimiser's state or a slice of it."""

from __future__ import annotations

import os

STATE_BYTES = 12  # per weight that trains: AdamW's two moments and the float32 master
MUCH = 0.25  # of the memory that is free


def takes_much(weights: int, free: int | None = None) -> bool:
    """Whether whole states would take more than a quarter of the memory that is free: what `auto` goes by.

    Sharded holds 1 / ranks of 8 (float32) or 12 bytes per weight that trains, but sends the weights round as well as
    the gradients: half as much again (docs/log.md).

    Args:
        weights: that train on every rank.
        free: bytes for each rank of this machine; None: asked of it.

    >>> [takes_much(10_600_000, free) for free in (8 << 30, 256 << 20)]
    [False, True]
    """
    return weights * STATE_BYTES > MUCH * (_free() if free is None else free)


def _free() -> int:
    import psutil
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.mem_get_info()[0])
    return int(psutil.virtual_memory().available) // int(os.environ.get("LOCAL_WORLD_SIZE", "1"))
