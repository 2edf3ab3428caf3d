"""What a model costs to use: time, memory, size, and the energy that making it took."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Efficiency:
    """What answering costs on the machine that made the model.

    `latency_ms` has the keys p50 and p95: milliseconds for one row, its preprocessing included, over `rounds` single
    rows; `rows_per_second` is from one pass over `batch_rows` rows. `memory_mb` is what the model holds in memory and
    what that pass took on top of it; `process_peak_mb` the most that the process which made the model ever held, None
    where the system does not say; `size_mb` weights, words, trees and tokenizer of the bundle. A MB is 10^6 bytes.
    `machine` says on what it was measured.
    """

    schema: ClassVar[int] = 1
    rows_per_second: float
    batch_rows: int
    latency_ms: Mapping[str, float]
    rounds: int
    memory_mb: float
    process_peak_mb: float | None
    size_mb: float
    precision: str
    machine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Energy:
    """What a run took from the processor's own counters; `joules` is None where none can be read, and `text` says so.

    The counters are the whole package's: whatever else ran on the machine meanwhile is in them.
    """

    schema: ClassVar[int] = 1
    joules: float | None
    text: str
