"""A split's rows and what can be proved of them, counted from the finished parts and from nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tunewright.records import PARTS, Split
from tunewright.splits.clusters import THRESHOLD, Clusters
from tunewright.splits.shingles import Ints
from tunewright.splits.strata import Strata

METHOD = "connected components of near-duplicates (Jaccard of character 5-shingles) or equal rows, and groups"


def split_of(
    parts: Ints, clusters: Clusters, strata: Strata, *, how: str, more: Mapping[str, Any] | None = None
) -> Split:
    """Make the record from the part of each row (n,): 0 train, 1 validation, 2 test, -1 none.

    The proof holds: `clusters` (of labelled rows) and `largest_cluster` in rows; `straddling_clusters`, those with rows
    in several parts; `class_shares` {part: {stratum: share}}; `method` and `near_duplicate_threshold`; and `more`.
    """
    train, validation, test = (tuple(np.flatnonzero(parts == number).tolist()) for number in range(len(PARTS)))
    inside = clusters.labels[parts >= 0]
    proof: dict[str, Any] = {
        "clusters": int(np.unique(inside).size),
        "largest_cluster": int(np.bincount(inside).max()) if inside.size else 0,
        "straddling_clusters": straddling((train, validation, test), clusters.labels),
        "class_shares": _shares(parts, strata),
        "method": METHOD,
        "near_duplicate_threshold": THRESHOLD,
    }
    return Split(train=train, validation=validation, test=test, how=how, proof=proof | dict(more or {}))


def straddling(parts: tuple[tuple[int, ...], ...], labels: Ints) -> int:
    """Count the labels that occur in more than one part.

    >>> straddling(((0, 1), (2,), ()), np.array([5, 6, 5]))
    1
    """
    seen = [set(labels[list(rows)].tolist()) for rows in parts]
    everything = [label for labels_ in seen for label in labels_]
    return len(everything) - len(set(everything)) - len(set.intersection(*seen))


def _shares(parts: Ints, strata: Strata) -> dict[str, dict[str, float]]:
    shares = {}
    for number, part in enumerate(PARTS):
        count = np.bincount(strata.codes[parts == number], minlength=len(strata.names))
        total = max(int(count.sum()), 1)
        shares[part] = {name: round(float(rows) / total, 4) for name, rows in zip(strata.names, count, strict=True)}
    return shares
