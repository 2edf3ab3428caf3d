"""What answering costs: latency of one row, rows a second, memory, size of the bundle; each measured once."""

from __future__ import annotations

import platform
import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tunewright.bundle.model import FittedModel
from tunewright.records import Efficiency

if TYPE_CHECKING:
    import torch

Array = np.ndarray[Any, np.dtype[Any]]
WARM, FEWEST_ROUNDS, MOST_ROUNDS = 3, 20, 100
SECONDS = 1.0  # for single rows, once the fewest rounds are over
LOOKS = 0.01  # seconds between two looks at memory: more often they would slow down what is timed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cost:
    """What answering costs, and (n, K) what was answered, so that nobody has to ask for it again."""

    efficiency: Efficiency
    outputs: Array


def measure_efficiency(model: FittedModel, rows: pl.DataFrame) -> Cost:
    """Answer single rows for about a second, then all rows at once.

    Args:
        model: the fitted model.
        rows: (n) typed rows that are no test rows.
    """
    from tunewright.models.peak import Peak

    times = _single(model, rows)
    with Peak(model.device, every=LOOKS) as peak:
        start = time.perf_counter()
        outputs = model.outputs(rows)
        seconds = time.perf_counter() - start
    middle, slow = np.quantile(times, [0.5, 0.95])
    beside = _beside(model)
    held = sum(value.numel() * value.element_size() for value in model.network.state_dict().values())
    written = sum(value.numel() * 4 for value in model.network.state_dict().values())
    efficiency = Efficiency(
        rows_per_second=round(rows.height / seconds, 1),
        batch_rows=rows.height,
        latency_ms={"p50": round(float(middle), 3), "p95": round(float(slow), 3)},
        rounds=len(times),
        memory_mb=round((held + beside + peak.taken) / 1e6, 1),
        process_peak_mb=_process_peak(),
        size_mb=round((written + beside) / 1e6, 2),
        precision=model.precision,
        machine=_machine(model.device),
    )
    return Cost(efficiency=efficiency, outputs=outputs)


def _single(model: FittedModel, rows: pl.DataFrame) -> list[float]:
    """Milliseconds of single rows, preprocessing included, once the model is warm."""
    times: list[float] = []
    start = time.perf_counter()
    while len(times) < WARM + FEWEST_ROUNDS or (
        len(times) < WARM + MOST_ROUNDS and time.perf_counter() - start < SECONDS
    ):
        row = rows[len(times) % rows.height]
        before = time.perf_counter()
        model.outputs(row)
        times.append((time.perf_counter() - before) * 1000)
    return times[WARM:]


def _beside(model: FittedModel) -> int:
    """Bytes of what stands beside the network: tokenizer, words, trees."""
    parts = (model.tokenizer, model.lexical, model.trees)
    return sum(part.size() for part in parts if part is not None)


def _process_peak() -> float | None:
    """The most memory this process ever held, in MB; None where the system does not say."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    # Kilobytes on Linux, bytes on macOS.
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)


def _machine(device: torch.device) -> str:
    import torch

    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"{platform.machine()} CPU, {threads} thread{'s' if threads != 1 else ''}"
