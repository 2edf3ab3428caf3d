"""Under `torchrun`: the first process does what the command says, every other one lends it a hand in silence."""

from __future__ import annotations

import sys

from tunewright.training.parallel.launch import meet, place
from tunewright.training.parallel.lost import Lost


def follows() -> bool:
    """Whether this process is another than the first of several that were started together."""
    where = place()
    return where is not None and where.rank > 0


def follow_leader() -> int:
    """Help the first process until it lets this one go, and return an exit code; nothing is read, written or printed.

    Only where the first process can no longer speak is a line on standard error in place.
    """
    from tunewright.cli.signals import Stopped, caught
    from tunewright.training.parallel.follower import follow

    where = place()
    assert where is not None
    try:
        with caught(leads=False) as stop:
            follow(meet(where), where.rank, where.world, observe=stop.watch, stop=stop)
    except Stopped as stopped:
        return 128 + stopped.signal
    except Lost as lost:
        return _failed(where.rank, str(lost))
    except Exception as problem:
        return _failed(where.rank, f"{type(problem).__name__}: {problem}")
    return 0


def _failed(rank: int, why: str) -> int:
    sys.stderr.write(f"Rank {rank}: {why}\n")
    return 1
