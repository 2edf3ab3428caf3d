"""Which rows go together: within the budget, little padding, and nobody waits for ever."""

from __future__ import annotations

import asyncio
import random
from collections import deque

from hypothesis import given
from hypothesis import strategies as st

from tunewright.serving.picking import Piece, Ticket, cut, pick
from tunewright.serving.schema import Rows


def piece(version, longest, count=1, *, deadline=100.0, came=0.0):
    loop = asyncio.new_event_loop()
    ticket = Ticket(loop.create_future(), deadline, [None] * count, 1)
    loop.close()
    rows = Rows(count=count, cells={}, costs=(longest,) * count)
    return Piece(ticket, version, rows, range(count), longest, 0.0, came)


@given(st.lists(st.integers(1, 50), min_size=1, max_size=60), st.integers(1, 200))
def test_parts_hold_every_row_once_within_the_budget(costs, budget):
    parts = cut(costs, budget)
    assert sorted(place for part in parts for place in part) == list(range(len(costs)))
    for part in parts:
        assert len(part) == 1 or max(costs[place] for place in part) * len(part) <= budget


def test_the_oldest_is_always_in_the_batch_and_the_rest_are_like_it():
    version = object()
    lengths = [40, 3, 38, 4, 41, 39, 2]
    queue = deque(piece(version, length) for length in lengths)
    batch, dropped = pick(queue, now=0.0, budget=lambda _: 41 * 4)
    assert sorted(one.longest for one in batch) == [38, 39, 40, 41]
    assert [one.longest for one in queue] == [3, 4, 2]  # in the order they came
    assert not dropped


def test_a_batch_is_of_one_version():
    old, new = object(), object()
    queue = deque([piece(old, 5), piece(new, 5), piece(old, 6)])
    batch, _ = pick(queue, now=0.0, budget=lambda _: 1000)
    assert {one.version for one in batch} == {old} and len(batch) == 2
    assert [one.version for one in queue] == [new]


def test_a_piece_over_the_budget_goes_alone():
    version = object()
    queue = deque([piece(version, 50, 10), piece(version, 50)])
    batch, _ = pick(queue, now=0.0, budget=lambda _: 100)
    assert [one.rows.count for one in batch] == [10]


def test_those_nobody_waits_for_leave_and_are_told():
    version = object()
    queue = deque([piece(version, 5, deadline=1.0), piece(version, 5)])
    batch, dropped = pick(queue, now=2.0, budget=lambda _: 1000)
    assert len(batch) == 1 and len(dropped) == 1 and not queue
    assert pick(deque([piece(version, 5, deadline=1.0)]), now=2.0, budget=lambda _: 9)[0] == []


def test_nobody_waits_for_more_batches_than_there_were_pieces_before():
    draw, version = random.Random(3), object()
    queue = deque(piece(version, draw.randint(1, 60)) for _ in range(300))
    order = list(queue)
    number = 0
    while queue:
        oldest = queue[0]
        batch, _ = pick(queue, now=0.0, budget=lambda _: 256)
        assert oldest in batch
        assert max(one.longest for one in batch) * len(batch) <= 256
        number += 1
    assert number < len(order) / 3


def test_sorting_by_length_saves_padding():
    """The oracle: the same pieces in batches in the order they came."""
    draw, version = random.Random(5), object()
    lengths = [draw.randint(4, 60) for _ in range(400)]
    queue = deque(piece(version, length) for length in lengths)
    ours = 0
    while queue:
        batch, _ = pick(queue, now=0.0, budget=lambda _: 512)
        ours += max(one.longest for one in batch) * len(batch)
    plain, longest, count = 0, 0, 0
    for length in [*lengths, 10**9]:
        if max(longest, length) * (count + 1) > 512:
            plain, longest, count = plain + longest * count, 0, 0
        longest, count = max(longest, length), count + 1
    assert ours < 0.75 * plain
