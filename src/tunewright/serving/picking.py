"""Which rows are answered together: pieces of requests, cut and picked so that little of a batch is padding."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from tunewright.serving.models import Version
from tunewright.serving.schema import Rows

WINDOW = 512  # pieces from the front of the queue that a batch is picked from

Answer = dict[str, Any]


@dataclass(slots=True, eq=False)
class Ticket:
    """A request that waits for its answers.

    Args:
        future: of the answers, one per row; done early where the client left or the time ran out.
        deadline: by the batcher's clock.
        answers: those that are there.
        left: pieces that are not.
    """

    future: asyncio.Future[list[Answer]]
    deadline: float
    answers: list[Answer | None]
    left: int = 0

    def dead(self, now: float) -> bool:
        """Whether nobody waits any more."""
        return self.future.done() or now > self.deadline


@dataclass(slots=True, eq=False)
class Piece:
    """Rows of one request that are answered together.

    Args:
        ticket: the request.
        version: that answers.
        rows: of about one length.
        places: of these rows in the request.
        longest: tokens of the longest row.
        seconds: that they are expected to take in a full batch.
        came: when, by the batcher's clock.
    """

    ticket: Ticket
    version: Version
    rows: Rows
    places: Sequence[int]
    longest: int
    seconds: float
    came: float

    @property
    def tokens(self) -> int:
        """Padded tokens of a batch of these rows alone."""
        return self.longest * self.rows.count


def cut(costs: Sequence[int], budget: int) -> list[list[int]]:
    """Places of rows, sorted by length and cut so that each part has at most `budget` padded tokens, or one row.

    >>> cut([5, 1, 4, 1], 8)
    [[1, 3], [2], [0]]
    >>> cut([5, 1, 4, 1], 10)
    [[1, 3], [2, 0]]
    """
    parts: list[list[int]] = []
    for place in sorted(range(len(costs)), key=costs.__getitem__):
        if parts and costs[place] * (len(parts[-1]) + 1) <= budget:
            parts[-1].append(place)
        else:
            parts.append([place])
    return parts


def pick(queue: deque[Piece], *, now: float, budget: Callable[[Version], int]) -> tuple[list[Piece], list[Piece]]:
    """Take a batch out of the queue: the piece that has waited longest, and those that are most like it in length.

    Since the oldest piece is always in it, none waits for more batches than there were pieces before it.

    Args:
        queue: in the order of arrival; changed.
        now: by the batcher's clock.
        budget: padded tokens of a batch of a version, at most; a single piece may have more.

    Returns:
        The batch, all of one version, and pieces taken out because nobody waits for them.
    """
    seen: list[Piece] = []
    dropped: list[Piece] = []
    while queue and len(seen) < WINDOW:
        piece = queue.popleft()
        (dropped if piece.ticket.dead(now) else seen).append(piece)
    if not seen:
        return [], dropped
    head = seen[0]
    most, longest, rows = budget(head.version), 0, 0
    batch: list[Piece] = []
    alike = [piece for piece in seen if piece.version is head.version]
    alike.sort(key=lambda piece: abs(piece.longest - head.longest))
    for piece in sorted(alike, key=lambda piece: piece is not head):
        wider = max(longest, piece.longest)
        if batch and wider * (rows + piece.rows.count) > most:
            continue
        batch.append(piece)
        longest, rows = wider, rows + piece.rows.count
    taken = set(map(id, batch))
    queue.extendleft(piece for piece in reversed(seen) if id(piece) not in taken)
    return batch, dropped
