"""What the model costs, as far as the plan limits it: latency of one row, size of the bundle."""

from __future__ import annotations

import time

import polars as pl

from tunewright.bundle.model import FittedModel
from tunewright.objective import Limits

ROUNDS = 30


def measure_limits(model: FittedModel, rows: pl.DataFrame, limits: Limits) -> dict[str, float]:
    """Measure what is limited.

    Args:
        model: the fitted model.
        rows: typed rows to time single predictions on.
        limits: the plan's.

    Returns:
        latency_ms: median milliseconds for one row, preprocessing included; size_mb: megabytes of weights, words, trees
        and tokenizer; the JSON beside them is some kilobytes.
    """
    measured = {}
    if limits.latency_ms is not None:
        measured["latency_ms"] = round(_latency(model, rows), 3)
    if limits.size_mb is not None:
        size = sum(value.numel() * 4 for value in model.network.state_dict().values())
        size += model.tokenizer.size() if model.tokenizer else 0
        size += model.lexical.size() if model.lexical else 0
        size += model.trees.size() if model.trees else 0
        measured["size_mb"] = round(size / 1e6, 2)
    return measured


def _latency(model: FittedModel, rows: pl.DataFrame) -> float:
    times = []
    for i in range(ROUNDS):
        start = time.perf_counter()
        model.outputs(rows[i % rows.height])
        times.append((time.perf_counter() - start) * 1000)
    return sorted(times)[len(times) // 2]
