"""How much memory this process may still take: the least of what the plan, machine, container and limits allow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from tunewright.models.peak import held_now

# Of what is free, left to others: what they take meanwhile, and what an allocator rounds up.
MARGIN = 0.1
GIGABYTE = 1e9
_PROC = Path("/proc/self")
_CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """Memory of a device, as far as this process goes.

    Args:
        held: bytes that the process holds now: resident on the CPU, allocated on a GPU.
        free: bytes that it may still take, at least 0.
        why: what sets the limit: budget.memory_gb, the machine, the cgroup, RLIMIT_AS, RLIMIT_DATA or the GPU.
    """

    held: float
    free: float
    why: str

    @property
    def limit(self) -> float:
        """Bytes in all."""
        return self.held + self.free

    def text(self) -> str:
        """In words.

        >>> Room(held=1e9, free=2.5e9, why="the machine").text()
        '2.50 GB are free beside the 1.00 GB in use (the limit: the machine)'
        """
        return f"{room_words(self.free)} are free beside the {room_words(self.held)} in use (the limit: {self.why})"


def find_room(device: torch.device, *, budget_gb: float | None = None) -> Room:
    """Look what is free now.

    Args:
        device: whose memory: a GPU's own, else the process's on this machine.
        budget_gb: what the plan allows the process in all, in GB of 1e9 bytes; None: what there is, less a tenth.
    """
    held = held_now(device)
    free, why = min(_of_gpu(device) if device.type == "cuda" else _of_process())
    free *= 1 - MARGIN
    if budget_gb is not None and budget_gb * GIGABYTE - held < free:
        free, why = budget_gb * GIGABYTE - held, "budget.memory_gb"
    return Room(held=held, free=max(free, 0.0), why=why)


def _of_gpu(device: torch.device) -> list[tuple[float, str]]:
    free, _ = torch.cuda.mem_get_info(device)
    kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return [(float(free + kept), "the GPU")]


def _of_process() -> Iterator[tuple[float, str]]:
    """Bytes that are free by each of the limits there are."""
    import psutil

    yield float(psutil.virtual_memory().available), "the machine"
    for free in cgroup_free(_PROC / "cgroup", _CGROUPS):
        yield free, "the cgroup"
    yield from _of_limits()


def _of_limits() -> Iterator[tuple[float, str]]:
    """What `ulimit -v` and `ulimit -d` leave, where the system has them."""
    try:
        import resource
    except ImportError:  # Windows
        return
    import psutil

    used = psutil.Process().memory_info()
    for name, taken in (("RLIMIT_AS", used.vms), ("RLIMIT_DATA", getattr(used, "data", used.vms))):
        soft = resource.getrlimit(getattr(resource, name))[0] if hasattr(resource, name) else resource.RLIM_INFINITY
        if soft != resource.RLIM_INFINITY:
            yield float(soft - taken), name


def cgroup_free(told: Path, root: Path) -> Iterator[float]:
    """What is free in each memory cgroup that holds this process, its own and those above, of version 1 or 2.

    Pages of files that nobody uses count as free: the kernel takes them back.

    Args:
        told: /proc/self/cgroup.
        root: where cgroups are mounted.
    """
    if not told.is_file():
        return
    for line in told.read_text("utf-8", "replace").splitlines():
        _, _, rest = line.partition(":")
        kinds, _, path = rest.partition(":")
        if kinds and "memory" not in kinds.split(","):
            continue
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if kinds else ("memory.max", "memory.current")
        for folder in _upwards(root / "memory" if kinds else root, path):
            limit, usage = (_number(folder / name) for name in names)
            if limit is not None and usage is not None:
                yield limit - usage + _idle(folder / "memory.stat")


def _upwards(mount: Path, path: str) -> Iterator[Path]:
    folder = mount / path.strip("/")
    while folder != mount:
        yield folder
        folder = folder.parent
    yield mount


def _number(file: Path) -> float | None:
    """A file's number; None where there is none, or the word max, or a limit beyond any memory."""
    try:
        value = float(file.read_text("ascii"))
    except (OSError, ValueError):
        return None
    return value if value < 2**60 else None


def _idle(stat: Path) -> float:
    try:
        lines = dict(line.split(maxsplit=1) for line in stat.read_text("ascii").splitlines() if " " in line)
    except (OSError, ValueError):
        return 0.0
    return float(lines.get("total_inactive_file", lines.get("inactive_file", "0")))


def room_words(size: float) -> str:
    """Bytes for people.

    >>> room_words(1.2e9), room_words(3.4e6)
    ('1.20 GB', '3 MB')
    """
    return f"{size / GIGABYTE:.2f} GB" if size >= 0.1 * GIGABYTE else f"{size / 1e6:.0f} MB"
