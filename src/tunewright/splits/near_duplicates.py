"""Find the texts that nearly repeat each other: the Jaccard join of their character shingles."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from tunewright.errors import PlanError
from tunewright.splits.comparing import Links, comparer
from tunewright.splits.components import components
from tunewright.splits.postings import Postings, candidates, prefix_postings
from tunewright.splits.shingles import Ints, ShingleSets, normalise, shingle_sets

NOTABLE = 1 / 256  # links per set since the last look


def near_duplicate_pairs(texts: Sequence[str], *, threshold: float = 0.8, shingle: int = 5) -> Ints:
    """All pairs of distinct texts with a shingle Jaccard of at least the threshold, and a star over each repeated text.

    Texts are compared after NFKC, lower-casing and collapsing white space. Of texts that are then equal only the first
    takes part in the join, the others are linked to it: a text repeated 1,000 times gives 999 pairs. Empty texts
    resemble nothing. The join is exact at any size: filtering by prefixes took a fraction of the time of MinHash
    signatures on every set tried (`scripts/bench near_duplicates`).

    Args:
        texts: one per row.
        threshold: Jaccard similarity in (0, 1] from which on two texts are near-duplicates.
        shingle: characters per shingle.

    Returns:
        (m, 2) row numbers, smaller first, in ascending order.

    Raises:
        PlanError: a threshold or shingle length out of range.

    >>> near_duplicate_pairs(["Call me now, please", "call me  now, please!", "Something else"]).tolist()
    [[0, 1]]
    """
    return _links([normalise(text) for text in texts], threshold, shingle, connect_only=False).pairs


def near_duplicate_links(texts: Sequence[str], *, threshold: float = 0.8, shingle: int = 5) -> Links:
    """Enough near-duplicate pairs to connect all that `near_duplicate_pairs` connects, with their similarity.

    A pair that earlier ones have connected is not compared: 10,000 fillings of one template cost some thousands of
    comparisons instead of 50 million.

    >>> near_duplicate_links(["Call me now, please", "call me  now, please!"]).similarity.round(3).tolist()
    [0.938]
    """
    return links_among([normalise(text) for text in texts], threshold=threshold, shingle=shingle)


def links_among(folded: Sequence[str], *, threshold: float = 0.8, shingle: int = 5) -> Links:
    """`near_duplicate_links` of texts that have been through `normalise`."""
    return _links(folded, threshold, shingle, connect_only=True)


def _links(folded: Sequence[str], threshold: float, shingle: int, *, connect_only: bool) -> Links:
    if not 0 < threshold <= 1 or shingle < 1:
        raise PlanError(
            f"A near-duplicate threshold must be in (0, 1] and a shingle at least 1 character long. "
            f"Got {threshold} and {shingle}. Use the defaults, 0.8 and 5."
        )
    first: dict[str, int] = {}
    firsts = np.array([first.setdefault(text, row) for row, text in enumerate(folded)], dtype=np.int64)
    empty = first.pop("", -1)
    repeats = np.flatnonzero((firsts != np.arange(len(folded))) & (firsts != empty))
    rows = np.fromiter(first.values(), dtype=np.int64, count=len(first))
    joined = _join(list(first), threshold, shingle, connect_only=connect_only)
    star = np.stack([firsts[repeats], repeats], axis=1)
    pairs = np.concatenate([star, np.sort(rows[joined.pairs], axis=1)])
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    similarity = np.concatenate([np.ones(repeats.size), joined.similarity])
    return Links(pairs=pairs[order], similarity=similarity[order])


def _join(texts: list[str], threshold: float, shingle: int, *, connect_only: bool) -> Links:
    """Join distinct, normalised, non-empty texts; the pairs are indices into `texts`."""
    if len(texts) < 2:
        return Links(pairs=np.zeros((0, 2), dtype=np.int64), similarity=np.zeros(0))
    unsorted = shingle_sets(texts, shingle=shingle)
    by_size = np.argsort(unsorted.sizes, kind="stable")
    sets = unsorted.reordered(by_size)
    links = _compare(sets, prefix_postings(sets, threshold), threshold, connect_only=connect_only)
    return Links(pairs=by_size[links.pairs], similarity=links.similarity)


def _compare(sets: ShingleSets, lists: Postings, threshold: float, *, connect_only: bool) -> Links:
    """Verify the candidates; with `connect_only` leave out those that earlier pairs have connected."""
    labels = np.arange(sets.sizes.size)
    wanted = np.ones(lists.member.size, dtype=bool)
    compare = comparer(sets, threshold)
    found, fresh = [compare.links(labels[:0], labels[:0])], 0
    for small, large in candidates(lists, sets.sizes, threshold, wanted=wanted):
        if connect_only:
            apart = labels[small] != labels[large]
            small, large = small[apart], large[apart]
        found.append(compare.links(small, large))
        if connect_only and len(found[-1].pairs):
            labels = components(labels.size, labels[found[-1].pairs])[labels]
            fresh += len(found[-1].pairs)
            if fresh >= NOTABLE * labels.size:  # a look at all lists pays only where there is much to leave out
                wanted &= _mixed(lists, labels)
                fresh = 0
    pairs, where = np.unique(np.concatenate([links.pairs for links in found]), axis=0, return_index=True)
    return Links(pairs=pairs, similarity=np.concatenate([links.similarity for links in found])[where])


def _mixed(lists: Postings, labels: Ints) -> npt.NDArray[np.bool_]:
    """Places in lists whose members are not all of one component yet."""
    member = labels[lists.member]
    first = np.flatnonzero(np.r_[True, lists.stop[1:] != lists.stop[:-1]])
    mixed = np.minimum.reduceat(member, first) != np.maximum.reduceat(member, first)
    return np.repeat(mixed, np.diff(np.r_[first, member.size]))
