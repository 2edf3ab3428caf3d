"""Boosted trees beside the network: where a table's columns act by steps and in combination, trees know it first.

A linear head over bins adds columns up; a small network bends them; neither finds a threshold in one column that
matters only beyond a threshold in another. Mixing the answers of both, in a share that validation chooses, keeps what
each knows. The trees are plain arrays: they are stored without pickle and walked with numpy alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[Any]]
# A class without train rows is as unlikely as float32 probabilities can say.
NEVER = -30.0
LEAST = 1e-12
# Rows times trees that are walked at once: bounds the memory, some 40 bytes each.
AT_ONCE = 2_000_000


@dataclass(frozen=True, slots=True, eq=False)
class Trees:
    """A sum of decision trees; all nodes stand in one row, a leaf's both children are itself.

    Args:
        column: (N,) which column of the table a node asks about.
        threshold: (N,) values up to it go left.
        missing_left: (N,) whether NaN goes left.
        left: (N,) the place of the left child.
        right: (N,) the place of the right child.
        value: (N,) what a leaf adds.
        roots: (T,) where each tree begins, in rounds of S trees.
        start: (S,) what is added up from: one score, or one per class that was seen.
        seen: (C,) labels the scores stand for; empty for regression.
        depth: the most steps from a root to a leaf.
    """

    column: Array
    threshold: Array
    missing_left: Array
    left: Array
    right: Array
    value: Array
    roots: Array
    start: Array
    seen: Array
    depth: Array

    def arrays(self) -> dict[str, Array]:
        """Every field by its name, to be stored."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, Array]) -> Trees:
        """Rebuild from `arrays`.

        Raises:
            ValueError: a node points outside, so that a walk would leave the trees.
        """
        made = cls(**{field.name: arrays[field.name] for field in fields(cls)})
        places = np.concatenate([made.left, made.right, made.roots])
        if len(places) and not (places.min() >= 0 and places.max() < len(made.value)):
            raise ValueError("a node of a tree points outside the trees")
        if len(made.roots) % max(len(made.start), 1) or int(made.depth) < 0:
            raise ValueError("trees must come in whole rounds")
        return made

    def size(self) -> int:
        """Bytes of its arrays."""
        return sum(array.nbytes for array in self.arrays().values())

    def scores(self, table: Array) -> Array:
        """(n, S) float64 sums over trees.

        Args:
            table: (n, C) float64 columns, NaN where a cell is missing.
        """
        rounds = len(self.roots) // len(self.start)
        found = np.tile(self.start, (len(table), 1))
        block = max(AT_ONCE // max(len(self.roots), 1), 1)
        for at in range(0, len(table), block):
            leaves = self._leaves(table[at : at + block])
            found[at : at + block] += self.value[leaves].reshape(-1, rounds, len(self.start)).sum(1)
        return found

    def outputs(self, table: Array, outputs: int) -> Array:
        """(n, K) float32: log probabilities in the task's label order, or one value.

        Args:
            table: (n, C) float64 columns, NaN where a cell is missing.
            outputs: K, of the task.
        """
        scores = self.scores(table)
        if not len(self.seen):
            return scores.astype(np.float32)
        if scores.shape[1] == 1:
            scores = np.concatenate([np.zeros_like(scores), scores], axis=1)
        scores = scores - scores.max(1, keepdims=True)
        logs = scores - np.log(np.exp(scores).sum(1, keepdims=True))
        found = np.full((len(table), outputs), NEVER, np.float32)
        found[:, self.seen] = np.maximum(logs, np.log(LEAST))
        return found

    def _leaves(self, table: Array) -> Array:
        """(n, T) places of the leaves the rows end in."""
        rows = np.arange(len(table))[:, None]
        at = np.broadcast_to(self.roots, (len(table), len(self.roots)))
        for _ in range(int(self.depth)):
            cells = table[rows, self.column[at]]
            left = np.where(np.isnan(cells), self.missing_left[at], cells <= self.threshold[at])
            at = np.where(left, self.left[at], self.right[at])
        return at


def mixed(network: Array, trees: Array, share: float) -> Array:
    """(n, K) outputs of both: `share` of the trees' and the rest of the network's.

    Of log probabilities this is the logarithmic opinion pool (Genest & Zidek 1986).

    >>> mixed(np.array([[0.0, 2.0]]), np.array([[4.0, 0.0]]), 0.25).tolist()
    [[1.0, 1.5]]
    """
    return np.asarray((1 - share) * network + share * trees, np.float32)
