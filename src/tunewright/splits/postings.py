"""Which pairs of sets to compare: inverted lists whose members may be similar enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tunewright.splits.shingles import Ints, ShingleSets, ranges

FIRST_BATCH, BATCH = 1 << 14, 1 << 20  # pairs
ROUNDING = 1e-9  # a bound is only ever rounded so that more candidates are compared


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Postings:
    """Inverted lists, one after another; the members of a list may form pairs. Sets are numbered by ascending size.

    Args:
        member: (m,) a set's number, ascending inside each list.
        ahead: (m,) how many shingles of the set come from this one on; bounds the overlap.
        stop: (m,) where the member's own list ends (exclusive).
        leads: (m,) whether the member may be the smaller set of a pair found here.
    """

    member: Ints
    ahead: Ints
    stop: Ints
    leads: npt.NDArray[np.bool_]


def prefix_postings(sets: ShingleSets, threshold: float) -> Postings:
    """Index each set by its rarest shingles only: similar sets share one of them.

    Two sets with Jaccard >= t overlap in at least t|x| shingles, so the |x| - ceil(t|x|) + 1 rarest of x hold a common
    one; the smaller set of the pair needs only |y| - ceil(2t/(1+t)|y|) + 1 (Chaudhuri et al. 2006; Bayardo et al. 2007,
    AllPairs; Xiao et al. 2008, PPJoin).

    Args:
        sets: numbered by ascending size.
        threshold: Jaccard similarity in (0, 1].

    >>> from tunewright.splits.shingles import shingle_sets
    >>> prefix_postings(shingle_sets(["abcdef", "bcdefg"], shingle=3), 0.5).member.tolist()
    [0, 1, 0, 1]
    """
    sizes = sets.sizes
    probe = sizes - np.ceil(threshold * sizes - ROUNDING).astype(np.int64) + 1
    index = sizes - np.ceil(2 * threshold / (1 + threshold) * sizes - ROUNDING).astype(np.int64) + 1
    place = ranges(sets.starts[:-1], probe)
    # What occurs once is in no other set; by shingle, then by set as before.
    shared = np.flatnonzero(sets.tokens[place] >= sets.single)
    shared = shared[np.argsort(sets.tokens[place[shared]], kind="stable")]
    member = np.repeat(np.arange(sizes.size), probe)[shared]
    token, position = sets.tokens[place[shared]], place[shared] - sets.starts[member]
    stop = np.searchsorted(token, token, side="right")
    leads = (position < index[member]) & (np.arange(member.size) + 1 < stop)
    return Postings(member=member, ahead=sizes[member] - position, stop=stop, leads=leads)


def required_overlap(total: Ints, threshold: float) -> Ints:
    """Shingles two sets of `total` shingles together must share for a Jaccard of at least the threshold."""
    overlap: Ints = np.ceil(threshold / (1 + threshold) * total - ROUNDING).astype(np.int64)
    return overlap


def candidates(
    lists: Postings, sizes: Ints, threshold: float, *, wanted: npt.NDArray[np.bool_]
) -> Iterator[tuple[Ints, Ints]]:
    """Pairs of set numbers (smaller set first) that share a list and pass the size and position filters, in batches.

    All lists are walked at once: first the neighbours in every list, then the pairs two apart, and so on. A pair may
    come in several batches. Batches grow up to `BATCH` pairs, or a quarter of the places, and what one round adds.

    Args:
        lists: where to look.
        sizes: shingles per set, ascending.
        threshold: the Jaccard similarity that a pair should be able to reach.
        wanted: (m,) the receiver clears the places of `lists` that need no further pairs, between batches.
    """
    count = lists.member.size
    small: npt.DTypeLike = np.int32 if count < 2**31 else np.int64  # what is looked at most often, in half the memory
    lefts = np.flatnonzero(lists.leads)
    ends = _ends(lists, sizes, threshold, lefts).astype(small)
    lefts, ahead, size = lefts.astype(small), lists.ahead.astype(small), sizes[lists.member].astype(small)
    needed = required_overlap(np.arange(2 * int(sizes.max(initial=0)) + 1), threshold).astype(small)
    distance, held, limit = 0, 0, FIRST_BATCH
    waiting: list[tuple[Ints, Ints]] = []
    while lefts.size:
        distance += 1
        inside = ends > lefts + distance
        lefts, ends = lefts[inside], ends[inside]
        rights = lefts + distance
        near = np.minimum(ahead[lefts], ahead[rights]) >= needed[size[lefts] + size[rights]]
        waiting.append((lists.member[lefts[near]], lists.member[rights[near]]))
        held += waiting[-1][0].size
        if held >= limit or not lefts.size:
            yield np.concatenate([a for a, _ in waiting]), np.concatenate([b for _, b in waiting])
            waiting, held, limit = [], 0, min(2 * limit, max(BATCH, count // 4))
            inside = wanted[lefts]
            lefts, ends = lefts[inside], ends[inside]


def _ends(lists: Postings, sizes: Ints, threshold: float, lefts: Ints) -> Ints:
    """For each of the places `lefts` where those of its list end that are not too large to resemble its set."""
    number = np.cumsum(np.concatenate([[0], lists.stop[1:] != lists.stop[:-1]]))  # of each place's list
    span = int(sizes.max(initial=0)) + 1
    keys = number * span + sizes[lists.member]  # ascending: sets are numbered by size
    largest = np.minimum(np.floor((sizes[lists.member[lefts]] + ROUNDING) / threshold + ROUNDING), span - 1)
    ends: Ints = np.searchsorted(keys, number[lefts] * span + largest.astype(np.int64), side="right")
    return ends
