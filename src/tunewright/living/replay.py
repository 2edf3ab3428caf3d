"""Which old rows are learned from once more, so that what is new does not push out what was known."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
TIMES, LEAST, EACH = 3, 1000, 8


def replayed(strata: Sequence[str], *, new: int, seed: int) -> Array:
    """Places of the old train rows to replay, ascending: three times as many as there are new ones, 1,000 at least.

    Every class keeps its share, and eight rows where it has them: a model forgets first what is rare.

    Args:
        strata: the class of each old train row; one name for all where there are no classes.
        new: how many new rows are trained on.
        seed: of the draw.

    >>> replayed(["a"] * 3 + ["b"], new=10, seed=0).tolist()
    [0, 1, 2, 3]
    """
    wanted = max(TIMES * new, LEAST)
    names = np.asarray(strata, object)
    if len(names) <= wanted:
        return np.arange(len(names))
    order = np.random.default_rng(seed).permutation(len(names))
    kept: list[int] = []
    share = wanted / len(names)
    for name in sorted(set(strata)):
        mine = order[names[order] == name]
        kept += mine[: max(round(share * len(mine)), min(EACH, len(mine)))].tolist()
    return np.sort(np.array(kept, np.int64))
