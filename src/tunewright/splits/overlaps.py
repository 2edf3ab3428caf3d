"""The proof that nothing crosses a split: overlaps between its parts, counted from the finished parts."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from tunewright.records import Split
from tunewright.splits.clusters import Clusters
from tunewright.splits.shingles import Ints


def overlaps(split: Split, clusters: Clusters, times: npt.NDArray[np.float64] | None = None) -> dict[str, int]:
    """Count the validation and test rows that an earlier part already holds in another form.

    Args:
        split: the parts.
        clusters: which rows are alike.
        times: (n,) the time of each row, NaN where unknown, for a split by time.

    Returns:
        `exact`: rows that equal one of an earlier part in every feature column; `near`: that resemble one; `group`:
        of a group that an earlier part has rows of; `time_order`: that are earlier than a row of an earlier part (0
        without times).

    >>> alone = np.arange(4)
    >>> same = Clusters(labels=alone, copies=np.array([0, 1, 2, 0]), groups=alone)
    >>> overlaps(Split(train=(0, 1), validation=(2,), test=(3,), how="given"), same)
    {'exact': 1, 'near': 1, 'group': 0, 'time_order': 0}
    """
    exact = clusters.copies if clusters.exact is None else clusters.exact
    kinds = {"exact": exact, "near": clusters.copies, "group": clusters.groups}
    steps = ((split.train, split.validation), (split.train + split.validation, split.test))
    counts = {kind: sum(_shared(labels, before, after) for before, after in steps) for kind, labels in kinds.items()}
    late = 0 if times is None else sum(_early(times, before, after) for before, after in steps)
    return counts | {"time_order": late}


def _shared(labels: Ints, before: tuple[int, ...], after: tuple[int, ...]) -> int:
    return int(np.isin(labels[list(after)], labels[list(before)]).sum())


def _early(times: npt.NDArray[Any], before: tuple[int, ...], after: tuple[int, ...]) -> int:
    known = times[list(before)]
    known = known[~np.isnan(known)]
    return int((times[list(after)] < known.max()).sum()) if known.size and after else 0
