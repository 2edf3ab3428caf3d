"""What Prometheus may read: counts and durations, never a word of a request."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TYPE_CHECKING

from tunewright.serving.batcher import Batch

if TYPE_CHECKING:
    from prometheus_client import CollectorRegistry

SECONDS = (0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.12, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 4096)
SHARED = "PROMETHEUS_MULTIPROC_DIR"  # where several workers keep their numbers, so that each can tell those of all


class Metrics:
    """All metrics of a server.

    Args:
        waiting: rows that wait at the moment.
    """

    def __init__(self, waiting: Callable[[], float] = lambda: 0.0) -> None:
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.registry: CollectorRegistry = CollectorRegistry()
        own = self.registry
        self.requests = Counter(
            "tunewright_requests", "Requests by route and status", ["route", "status"], registry=own
        )
        self.seconds = Histogram(
            "tunewright_request_seconds",
            "From a request's head to its answer",
            ["route"],
            buckets=SECONDS,
            registry=own,
        )
        self.rows = Counter("tunewright_rows", "Rows answered", ["model"], registry=own)
        self.batches = Histogram("tunewright_batch_rows", "Rows of a batch", ["model"], buckets=SIZES, registry=own)
        self.model_seconds = Histogram(
            "tunewright_batch_seconds", "What a batch took", ["model"], buckets=SECONDS, registry=own
        )
        self.waited = Histogram(
            "tunewright_queue_seconds",
            "What the oldest row of a batch waited",
            ["model"],
            buckets=SECONDS,
            registry=own,
        )
        self.swaps = Counter(
            "tunewright_swaps", "Bundles put in place, and those refused", ["model", "result"], registry=own
        )
        self.unlogged = Counter("tunewright_unlogged_rows", "Rows that the request log had no time for", registry=own)
        queue = Gauge("tunewright_waiting_rows", "Rows that wait", multiprocess_mode="livesum", registry=own)
        self._queue = queue
        self._waiting = waiting

    def saw(self, batch: Batch) -> None:
        """Count a batch."""
        self.rows.labels(batch.model).inc(batch.rows)
        self.batches.labels(batch.model).observe(batch.rows)
        self.model_seconds.labels(batch.model).observe(batch.seconds)
        self.waited.labels(batch.model).observe(batch.waited)

    def text(self) -> tuple[bytes, str]:
        """What there is to read, and its content type; of several workers, the numbers of all."""
        from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

        self._queue.set(self._waiting())
        registry = self.registry
        if os.environ.get(SHARED):
            from prometheus_client.multiprocess import MultiProcessCollector

            registry = CollectorRegistry()
            MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
        return generate_latest(registry), CONTENT_TYPE_LATEST


def forget(process: int, folder: str) -> None:
    """Count no longer what waits in a process that has died; what it has counted before stays.

    Args:
        process: its id.
        folder: where several workers keep their numbers.
    """
    from prometheus_client.multiprocess import mark_process_dead

    mark_process_dead(process, folder)  # type: ignore[no-untyped-call]
