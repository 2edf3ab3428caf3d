"""What the routes work with: the models, the batcher, and what is counted and kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from tunewright.serving.answers import Answer
from tunewright.serving.batcher import Batcher
from tunewright.serving.log import RequestLog
from tunewright.serving.metrics import Metrics
from tunewright.serving.models import Shelf, Version
from tunewright.serving.options import ServingOptions
from tunewright.serving.schema import Rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Service:
    """A server without its HTTP.

    Args:
        options: of the server.
        shelf: the models.
        batcher: that answers.
        metrics: that count.
        log: of requests, or None.
    """

    options: ServingOptions
    shelf: Shelf
    batcher: Batcher
    metrics: Metrics
    log: RequestLog | None = None

    @property
    def ready(self) -> bool:
        """Whether a request that came now could be answered."""
        return self.batcher.alive and not (self.batcher.leaving or self.batcher.draining)

    def keep(self, request: str, version: Version, rows: Rows, answers: Sequence[Answer]) -> None:
        """Have an answered request logged, where there is a log."""
        if self.log is not None:
            self.log.keep(request, version, rows, answers)


def open_service(options: ServingOptions, shelf: Shelf) -> Service:
    """Put a service together and start its threads.

    Raises:
        ServingError: the request log cannot be written.
    """
    waiting: list[Batcher] = []
    metrics = Metrics(lambda: float(waiting[0].rows) if waiting else 0.0)
    log = None if options.log is None else RequestLog(options.log, dropped=metrics.unlogged.inc)
    batcher = Batcher(options.queue, saw=metrics.saw)
    waiting.append(batcher)
    batcher.start()
    return Service(options=options, shelf=shelf, batcher=batcher, metrics=metrics, log=log)


def close_service(service: Service) -> None:
    """End its threads; what waits is refused, what was answered is logged."""
    service.batcher.close()
    if service.log is not None:
        service.log.close()
