"""Which rows train, validate and test: one strategy per file, and the copies and groups that stay together.

The names load on first use: the plan reads its options from here, and must not wait for polars.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunewright.splits.by_time import ByTime
    from tunewright.splits.clusters import Clusters
    from tunewright.splits.given import Given
    from tunewright.splits.making import STRATEGIES, Splitting, make_split
    from tunewright.splits.near_duplicates import near_duplicate_links, near_duplicate_pairs
    from tunewright.splits.options import SplitOptions
    from tunewright.splits.strata import Strata
    from tunewright.splits.stratified import Stratified

_HOME = {
    "STRATEGIES": "making",
    "ByTime": "by_time",
    "Clusters": "clusters",
    "Given": "given",
    "SplitOptions": "options",
    "Splitting": "making",
    "Strata": "strata",
    "Stratified": "stratified",
    "make_split": "making",
    "near_duplicate_links": "near_duplicates",
    "near_duplicate_pairs": "near_duplicates",
}

__all__ = [
    "STRATEGIES",
    "ByTime",
    "Clusters",
    "Given",
    "SplitOptions",
    "Splitting",
    "Strata",
    "Stratified",
    "make_split",
    "near_duplicate_links",
    "near_duplicate_pairs",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
