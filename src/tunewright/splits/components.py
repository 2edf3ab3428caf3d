"""Connected components: what hangs together through pairs."""

from __future__ import annotations

import numpy as np

from tunewright.splits.shingles import Ints


def components(count: int, pairs: Ints) -> Ints:
    """Number the connected components of `count` things linked by `pairs` (m, 2); in order of first appearance.

    >>> components(4, np.array([[3, 1]])).tolist()
    [0, 1, 2, 1]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(pairs), dtype=np.int8), (pairs[:, 0], pairs[:, 1])), shape=(count, count))
    return dense(connected_components(graph, directed=False)[1])


def dense(labels: Ints) -> Ints:
    """Renumber labels 0, 1, ... in order of first appearance.

    >>> dense(np.array([7, 3, 7])).tolist()
    [0, 1, 0]
    """
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    number = np.empty(first.size, dtype=np.int64)
    number[np.argsort(first)] = np.arange(first.size)
    return number[inverse]


def star(labels: Ints) -> Ints:
    """Pairs (m, 2) that link each row to the first row of its label.

    >>> star(np.array([5, 8, 5, 5])).tolist()
    [[0, 2], [0, 3]]
    """
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rows = np.arange(labels.size)
    later = first[inverse] != rows
    return np.stack([first[inverse][later], rows[later]], axis=1)


def members(labels: Ints) -> list[Ints]:
    """The rows of every label that has at least two, largest first, then by first row.

    >>> [rows.tolist() for rows in members(np.array([1, 2, 1, 3, 2, 2]))]
    [[1, 4, 5], [0, 2]]
    """
    _, inverse, count = np.unique(labels, return_inverse=True, return_counts=True)
    rows = np.flatnonzero(count[inverse] > 1)
    rows = rows[np.argsort(inverse[rows], kind="stable")]
    several = np.split(rows, np.flatnonzero(np.diff(inverse[rows])) + 1) if rows.size else []
    return sorted(several, key=lambda rows: (-rows.size, int(rows[0])))
