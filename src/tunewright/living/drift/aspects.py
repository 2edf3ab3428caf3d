"""What may drift: a column, the texts in feature space, the answers; each over the pooled rows, old ones first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np

from tunewright.living.drift.distances import squared_distances

Array = np.ndarray[Any, np.dtype[Any]]
LARGEST_SHARE = 40  # characters of a category that are told


@dataclass(frozen=True, kw_only=True, eq=False)
class Aspect:
    """One thing that may drift, of N pooled rows.

    Args:
        name: the column, or `text`, `prediction`, `confidence`.
        kind: what `values` are: numbers (N,) with NaN where nothing is known, categories (N,) as codes from 0, or
            vectors (N, D).
        values: of the rows the model was judged on, then of the new ones.
        labels: what the codes stand for.
    """

    name: str
    kind: Literal["number", "category", "vector"]
    values: Array
    labels: tuple[str, ...] = ()

    @cached_property
    def squared(self) -> Array:
        """(N, N) squared distances of vectors: what several tests read."""
        return squared_distances(self.values)

    def take(self, rows: Array) -> Aspect:
        """The same of some rows, in that order."""
        return Aspect(name=self.name, kind=self.kind, values=self.values[rows], labels=self.labels)


def stability_index(old: Array, new: Array) -> float:
    """Population stability index of two vectors of shares: Σ (new − old) ln(new / old), each share at least 1e-4.

    Below 0.1 a change is usually called small, above 0.25 large (Siddiqi 2006, Credit risk scorecards).

    >>> round(stability_index(np.array([0.5, 0.5]), np.array([0.6, 0.4])), 3)
    0.041
    """
    a, b = np.maximum(old, 1e-4), np.maximum(new, 1e-4)
    return float(((b - a) * np.log(b / a)).sum())


def effect_of(aspect: Aspect, old: int) -> tuple[float | None, str]:
    """How large the change is (stability index; None for vectors), and what changed most, in words.

    Args:
        aspect: of the pooled rows.
        old: how many of them are old.
    """
    before, after = aspect.values[:old], aspect.values[old:]
    if aspect.kind == "category":
        return _of_shares(before, after, aspect.labels)
    if aspect.kind == "number":
        return _of_numbers(before, after)
    return None, ""


def _of_shares(before: Array, after: Array, labels: tuple[str, ...]) -> tuple[float, str]:
    count = max(len(labels), int(before.max(initial=0)) + 1, int(after.max(initial=0)) + 1)
    a, b = (np.bincount(side, minlength=count) / max(len(side), 1) for side in (before, after))
    most = int(np.abs(a - b).argmax())
    name = labels[most] if most < len(labels) else str(most)
    shown = name if len(name) <= LARGEST_SHARE else name[: LARGEST_SHARE - 1] + "…"
    return stability_index(a, b), f"{shown!r} {a[most]:.1%} before, {b[most]:.1%} now"


def _of_numbers(before: Array, after: Array) -> tuple[float, str]:
    known = [side[np.isfinite(side)] for side in (before, after)]
    gaps = [1 - len(part) / max(len(side), 1) for part, side in zip(known, (before, after), strict=True)]
    edges = np.unique(np.quantile(known[0], np.linspace(0.1, 0.9, 9))) if len(known[0]) else np.zeros(0)
    shares = [
        np.append(np.bincount(np.searchsorted(edges, part, side="left"), minlength=len(edges) + 1), gap * len(side))
        / max(len(side), 1)
        for part, gap, side in zip(known, gaps, (before, after), strict=True)
    ]
    said = [f"median {np.median(part):,.4g}" if len(part) else "no value" for part in known]
    if abs(gaps[0] - gaps[1]) >= 0.01:
        said = [f"{text}, {gap:.1%} empty" for text, gap in zip(said, gaps, strict=True)]
    return stability_index(shares[0], shares[1]), f"{said[0]} before, {said[1]} now"
