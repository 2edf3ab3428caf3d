"""How much memory a piece of work takes at its peak, above what is held when it begins."""

from __future__ import annotations

import threading
from types import TracebackType

import torch

EVERY = 0.001  # seconds between two looks


class Peak:
    """Watches while its `with` block lasts: the GPU's allocator counts by itself, the process is looked at every ms.

    The kernel's own high-water mark would be exact, but it is one for the life of the process, and belongs to whoever
    measures the process from outside.

    Args:
        device: whose memory.
        every: seconds between two looks; more of them where something is timed meanwhile.

    >>> with Peak(torch.device("cpu")) as peak:
    ...     held = torch.ones(30_000_000)
    ...     del held
    >>> 100e6 < peak.taken < 200e6
    True
    """

    def __init__(self, device: torch.device, *, every: float = EVERY) -> None:
        self.device = device
        self.every = every
        self.taken = 0.0
        self._start = 0.0
        self._stop = threading.Event()
        self._watcher: threading.Thread | None = None

    def __enter__(self) -> Peak:
        self._stop.clear()
        if self.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(self.device)
        self._start = held_now(self.device)
        if self.device.type != "cuda":
            self._watcher = threading.Thread(target=self._watch, daemon=True)
            self._watcher.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._watcher is not None:
            self._stop.set()
            self._watcher.join()
            self._watcher = None
        on_gpu = self.device.type == "cuda"
        self._see(float(torch.cuda.max_memory_allocated(self.device)) if on_gpu else held_now(self.device))

    def _watch(self) -> None:
        while not self._stop.wait(self.every):
            self._see(held_now(self.device))

    def _see(self, held: float) -> None:
        self.taken = max(self.taken, held - self._start)


def held_now(device: torch.device) -> float:
    """Bytes that the process holds: resident on the CPU, allocated on a GPU."""
    if device.type == "cuda":
        return float(torch.cuda.memory_allocated(device))
    import psutil

    return float(psutil.Process().memory_info().rss)
