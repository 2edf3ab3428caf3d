"""Which rank this process is, and the crew that it leads. Nothing here loads torch in a run of one process."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tunewright.errors import RunError

if TYPE_CHECKING:
    from tunewright.training.parallel.crew import Crew

_SAYS = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
_led: list[Crew] = []


@dataclass(frozen=True, slots=True)
class Place:
    """One process among those that were started together: its rank, how many there are, its rank on this machine."""

    rank: int
    world: int
    local: int


def place() -> Place | None:
    """What `torchrun`, or whatever sets the same variables, says; None where this process is alone.

    >>> from unittest import mock
    >>> with mock.patch.dict(os.environ, RANK="1", WORLD_SIZE="2", MASTER_ADDR="localhost", MASTER_PORT="1"):
    ...     place()
    Place(rank=1, world=2, local=1)
    """
    said = [os.environ.get(name, "") for name in _SAYS]
    if not all(said) or int(said[1]) < 2:
        return None
    return Place(int(said[0]), int(said[1]), int(os.environ.get("LOCAL_RANK", said[0])))


def meet(where: Place) -> Any:
    """The store where all ranks meet; this process takes the GPU of its local rank, if there is one.

    Raises:
        RunError: it cannot be reached.
    """
    import torch
    from torch.distributed.rendezvous import rendezvous

    from tunewright.training.parallel.group import PATIENCE

    if torch.cuda.is_available():
        torch.cuda.set_device(where.local % torch.cuda.device_count())
    try:
        store, _, _ = next(rendezvous("env://", timeout=PATIENCE))
    except RuntimeError as problem:
        where_to = f"{os.environ['MASTER_ADDR']}:{os.environ['MASTER_PORT']}"
        raise RunError(
            f"All {where.world} processes of a run must reach {where_to}. Rank {where.rank} does not: "
            f"{str(problem).splitlines()[0]}. Check the address, the port and the firewall."
        ) from problem
    return store


@contextmanager
def leading() -> Iterator[None]:
    """Lead the other ranks, if there are any, and let them go at the end of the block."""
    where = place()
    if where is None:
        yield
        return
    from tunewright.training.parallel.crew import Crew

    _led.append(Crew(meet(where), where.world))
    try:
        yield
    finally:
        _led.pop().close()


def crew() -> Crew | None:
    """The crew that this process leads, or None: like torch's process group, a fact about the process."""
    return _led[-1] if _led else None
