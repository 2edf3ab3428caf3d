"""Which pairs of sets to compare: inverted lists whose members may be similar enough."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from tunewright.splits.shingles import Ints, ShingleSets

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
    [0, 1, 0, 1, 0, 1]
    """
    sizes, owners = sets.sizes, sets.owners
    position = np.arange(sets.tokens.size) - np.repeat(sets.starts[:-1], sizes)
    probe = sizes - np.ceil(threshold * sizes - ROUNDING).astype(np.int64) + 1
    index = sizes - np.ceil(2 * threshold / (1 + threshold) * sizes - ROUNDING).astype(np.int64) + 1
    kept = np.flatnonzero(position < probe[owners])
    kept = kept[np.argsort(sets.tokens[kept], kind="stable")]  # by shingle, then by set as before
    token, member, position = sets.tokens[kept], owners[kept], position[kept]
    stop = np.searchsorted(token, token, side="right")
    leads = (position < index[member]) & (np.arange(kept.size) + 1 < stop)
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
    come in several batches. Batches grow up to `BATCH` pairs and what one round over the lists adds.

    Args:
        lists: where to look.
        sizes: shingles per set, ascending.
        threshold: the Jaccard similarity that a pair should be able to reach.
        wanted: (m,) the receiver clears the places of `lists` that need no further pairs, between batches.
    """
    active = np.flatnonzero(lists.leads)
    distance, held, limit = 0, 0, FIRST_BATCH
    waiting: list[tuple[Ints, Ints]] = []
    while active.size:
        distance += 1
        active = active[(active + distance < lists.stop[active]) & wanted[active]]
        small, large = lists.member[active], lists.member[active + distance]
        fits = sizes[small] >= threshold * sizes[large] - ROUNDING
        active, small, large = active[fits], small[fits], large[fits]
        bound = np.minimum(lists.ahead[active], lists.ahead[active + distance])
        near = bound >= required_overlap(sizes[small] + sizes[large], threshold)
        waiting.append((small[near], large[near]))
        held += int(near.sum())
        if held >= limit or not active.size:
            yield np.concatenate([a for a, _ in waiting]), np.concatenate([b for _, b in waiting])
            waiting, held, limit = [], 0, min(2 * limit, BATCH)
