"""What ends a run when one of its processes is gone."""

from __future__ import annotations


class Lost(BaseException):
    """A process of this run no longer answers.

    Not an `Exception`: a search or an improvement round takes those for a failed attempt and goes on, which cannot
    help here.
    """


def message(world: int, reasons: list[str], problem: BaseException) -> str:
    """What is said then: what must hold, what we got, what to do.

    >>> message(2, [], RuntimeError("Connection closed by peer"))[:88]
    'All 2 processes of a run must stay until its end. One is gone: Connection closed by peer'
    """
    why = "; ".join(reasons) or (str(problem).strip().splitlines() or [type(problem).__name__])[0][:200].rstrip(".")
    return (
        f"All {world} processes of a run must stay until its end. One is gone: {why}. The last checkpoint is kept: "
        "start the same command again, on as many processes as you like, to continue from it."
    )
