"""How fast models answer on this machine: turn by turn, so that a busy moment does not hit one of them alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Final

import polars as pl

if TYPE_CHECKING:
    from tunewright.bundle.model import FittedModel

ROUNDS: Final = 5
SINGLES: Final = 20  # single rows a round
MOST_ROWS: Final = 512  # rows a round, answered together


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """What a model takes, preprocessing included.

    Args:
        rows_per_second: of the round that was fastest, many rows at once.
        latency_ms: median of single rows.
    """

    rows_per_second: float
    latency_ms: float


def measure_speeds(models: Sequence[FittedModel], typed: pl.DataFrame, *, rounds: int = ROUNDS) -> list[Speed]:
    """Time every model on the same typed rows, one round after the other; the first round only warms up."""
    many = typed.head(MOST_ROWS)
    singles = [many[row] for row in range(0, many.height, max(many.height // SINGLES, 1))][:SINGLES]
    best = [float("inf")] * len(models)
    times: list[list[float]] = [[] for _ in models]
    for turn in range(rounds + 1):
        for place, model in enumerate(models):
            together = _seconds(model, many)
            alone = [_seconds(model, one) for one in singles]
            if turn:
                best[place] = min(best[place], together)
                times[place] += alone
    return [
        Speed(rows_per_second=many.height / fastest, latency_ms=1000 * median(taken))
        for fastest, taken in zip(best, times, strict=True)
    ]


def size_mb(folder: Path) -> float:
    """Megabytes (10^6 bytes) of a bundle's files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 1e6


def _seconds(model: FittedModel, typed: pl.DataFrame) -> float:
    start = time.perf_counter()
    model.outputs(typed)
    return time.perf_counter() - start
