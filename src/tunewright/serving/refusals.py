"""Why a request is not answered: a status, a sentence, and what is wrong where."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from tunewright.data.masking import masked
from tunewright.errors import ServingError

MOST_PROBLEMS = 20  # listed in one answer; the rest is counted
_LONGEST = 80  # characters of a name that came with a request


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing that is wrong with a request, or that an answer should be read with.

    Args:
        what: a sentence without its subject; holds nothing of a cell.
        row: zero-based place in the request; None: all of it.
        column: its name; None: the row as a whole.
    """

    what: str
    row: int | None = None
    column: str | None = None

    def shown(self) -> dict[str, str | int | None]:
        """Plain JSON; a name that somebody else chose is cut and masked."""
        return {"row": self.row, "column": None if self.column is None else cut(self.column), "what": self.what}


class Refused(ServingError):
    """A request that gets a status instead of an answer.

    Args:
        status: of HTTP.
        message: what must hold, what came, what to do; nothing of a cell, no path.
        problems: where it is wrong; the first `MOST_PROBLEMS` are shown.
        retry_after: seconds after which it may go better; None: it will not.

    >>> Refused(429, "Too many.", retry_after=0.2).headers()
    {'Retry-After': '1'}
    """

    def __init__(
        self, status: int, message: str, *, problems: Sequence[Problem] = (), retry_after: float | None = None
    ) -> None:
        super().__init__(status, message)
        self.status = status
        self.message = message
        self.problems = tuple(problems)
        self.retry_after = retry_after

    def __str__(self) -> str:
        return self.message

    def headers(self) -> dict[str, str]:
        """What HTTP says beside the body: whole seconds, at least one."""
        if self.retry_after is None:
            return {}
        return {"Retry-After": str(max(math.ceil(min(self.retry_after, 3600)), 1))}

    def body(self) -> dict[str, object]:
        """Plain JSON."""
        shown = [one.shown() for one in self.problems[:MOST_PROBLEMS]]
        left = len(self.problems) - len(shown)
        return {
            "status": self.status,
            "message": self.message + (f" {left:,} more problems are not listed." if left else ""),
            "problems": shown,
        }


def cut(name: str) -> str:
    """A name from outside, fit to be shown: masked, short, without what a terminal obeys.

    >>> cut("no " * 50)[-4:], cut("write to ann@mail.example")
    ('o n…', 'write to a***@***.example')
    """
    plain = "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in masked(name[:1000]))
    return plain if len(plain) <= _LONGEST else plain[: _LONGEST - 1] + "…"
