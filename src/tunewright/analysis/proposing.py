"""Which conditions a search for slices looks at: read off the rows alone, never off the errors.

Shapes: n rows, a atoms, m conditions, D dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from tunewright.analysis.conditions import Mark, Missing, Pattern, Range, Region, Single, Value, Words, nearest
from tunewright.analysis.facts import PATTERNS, Fact, Facts

Array = np.ndarray[Any, np.dtype[Any]]
BINS = (40, 20, 10)  # of a number, fewer where there are many numbers
FACTS = (14, 60)  # numbers up to which there are so many
MOST_VALUES = 300
MOST_WORDS, MOST_PAIRS = 400, 100
REGION_ROWS = 40  # rows of a region, about
MOST_REGIONS = 24
LARGEST = 0.7  # share of the rows beyond which a group is not called one


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Proposed:
    """Conditions with the rows that meet them: those of the atoms `start` to `stop` of each.

    Args:
        conditions: m of them.
        atoms: (a, n) bool: rows between two neighbouring cuts of a number, or the rows of another condition.
        start: (m,) first atom of each condition.
        stop: (m,) atom after the last.
        groups: (m,) number of each condition's group; −1 where it may be joined with its own.
    """

    conditions: tuple[Single, ...]
    atoms: Array
    start: Array
    stop: Array
    groups: Array


def propose(facts: Facts, *, fewest: int, seed: int = 0) -> Proposed:
    """Conditions that at least `fewest` rows meet, and at most seven in ten.

    Ranges between any two of up to 39 quantiles of each number, values of categories, empty cells, words and pairs of
    words that are frequent enough, known patterns, marks, and regions of the vector space. Cost: n for each of at most
    some 2,000 atoms; for regions n D times their number.

    Args:
        facts: of n rows.
        fewest: rows of a slice.
        seed: of the clusters.
    """
    built = _Building(rows=facts.rows, fewest=fewest)
    places = BINS[sum(len(facts.numbers) > most for most in FACTS)]
    for fact, values in facts.numbers.items():
        built.ranges(fact, values, _cuts(values, places))
    others: list[Single] = [*_values(facts, fewest), *map(Missing, facts.missing), *map(Mark, facts.marks)]
    others += [Pattern(column, what) for column in facts.texts for what in PATTERNS]
    words = [(one, one.holds(facts)) for one in _words(facts, fewest)]
    for one, mask in [*((one, one.holds(facts)) for one in others), *words, *_regions(facts, words, seed)]:
        built.single(one, mask)
    return built.done()


@dataclass(slots=True)
class _Building:
    """Atoms and conditions as they come."""

    rows: int
    fewest: int
    atoms: list[Array] = field(default_factory=list)
    conditions: list[tuple[Single, int, int]] = field(default_factory=list)
    seen: set[bytes] = field(default_factory=set)

    def fits(self, size: int) -> bool:
        """Whether so many rows make a group."""
        return self.fewest <= size <= LARGEST * self.rows

    def single(self, one: Single, mask: Array) -> None:
        """A condition of its own, unless another holds for the same rows."""
        key = np.packbits(mask).tobytes()
        if self.fits(int(mask.sum())) and key not in self.seen:
            self.seen.add(key)
            self.conditions.append((one, len(self.atoms), len(self.atoms) + 1))
            self.atoms.append(mask)

    def ranges(self, fact: Fact, values: Array, cuts: list[float]) -> None:
        """Every range between two cuts of a number."""
        if not cuts:
            return
        known, first = np.isfinite(values), len(self.atoms)
        bins = np.searchsorted(np.array(cuts), values, side="left")
        masks = [known & (bins == place) for place in range(len(cuts) + 1)]
        self.atoms += masks
        before = np.concatenate([[0], np.cumsum([int(mask.sum()) for mask in masks])])
        ends = [None, *cuts, None]
        for low in range(len(masks)):
            for high in range(low + 1, len(masks) + 1):
                if self.fits(int(before[high] - before[low])):
                    self.conditions.append((Range(fact, ends[low], ends[high]), first + low, first + high))

    def done(self) -> Proposed:
        """All of them."""
        conditions = tuple(one for one, _, _ in self.conditions)
        numbers = {name: number for number, name in enumerate(dict.fromkeys(one.group for one in conditions))}
        return Proposed(
            conditions=conditions,
            atoms=np.array(self.atoms) if self.atoms else np.zeros((0, self.rows), bool),
            start=np.array([start for _, start, _ in self.conditions], np.int64),
            stop=np.array([stop for _, _, stop in self.conditions], np.int64),
            groups=np.array([-1 if isinstance(one, Words) else numbers[one.group] for one in conditions], np.int64),
        )


def _cuts(values: Array, places: int) -> list[float]:
    """Numbers of six digits that part the values into about so many equal parts, or one after every distinct value."""
    known = values[np.isfinite(values)]
    if not len(known):
        return []
    distinct = np.unique(known)
    if len(distinct) > places:
        distinct = np.unique(np.quantile(known, np.arange(1, places) / places, method="inverted_cdf"))
    # What is written down must be what is meant, so the cut is the number that the description shows.
    rounded = sorted({float(f"{cut:.6g}") for cut in distinct})
    return [cut for cut in rounded if known.min() <= cut < known.max()]


def _values(facts: Facts, fewest: int) -> Iterator[Value]:
    for column, cells in facts.values.items():
        counts = cells.drop_nulls().value_counts(name="\0rows").rows()
        often = sorted((row for row in counts if row[1] >= fewest), key=lambda row: (-row[1], row[0]))
        for value, _ in often[: max(MOST_VALUES // len(facts.values), 10)]:
            yield Value(column, value)


def _words(facts: Facts, fewest: int) -> Iterator[Words]:
    for column, spaced in facts.spaced.items():
        cut = pl.DataFrame({"row": range(len(spaced)), "word": spaced.str.strip_chars().str.split(" ")})
        each = cut.explode("word").filter(pl.col("word") != "")
        two = each.with_columns(next=pl.col("word").shift(-1).over("row")).drop_nulls("next")
        two = two.select("row", word=pl.col("word") + " " + pl.col("next"))
        for words, most in ((each, MOST_WORDS), (two, MOST_PAIRS)):
            counts = words.unique().group_by("word").agg(rows=pl.len()).filter(pl.col("rows") >= fewest)
            often = counts.sort("rows", "word", descending=[True, False])["word"]
            yield from (Words(column, word) for word in often[: most // len(facts.spaced)])


def _regions(facts: Facts, words: list[tuple[Words, Array]], seed: int) -> list[tuple[Single, Array]]:
    """Coarse and fine clusters of the vectors, each with the words that set it apart."""
    if facts.vectors is None or facts.rows < 4 * REGION_ROWS:
        return []
    from sklearn.cluster import KMeans

    vectors = np.asarray(facts.vectors, np.float32)
    fine = min(max(facts.rows // REGION_ROWS, 2), MOST_REGIONS)
    found: list[tuple[Single, Array]] = []
    for count in sorted({max(fine // 3, 2), fine}):
        centres = KMeans(count, n_init=1, max_iter=30, random_state=seed).fit(vectors).cluster_centers_
        # Only what tells the same centre from the others is kept, in the precision that later rows are held against.
        centres = np.asarray(centres, np.float32)
        at = nearest(vectors, centres)
        found += [
            (Region(number, centres, _apart(at == number, words)), at == number) for number in range(len(centres))
        ]
    return found


def _apart(inside: Array, words: list[tuple[Words, Array]], most: int = 3) -> tuple[str, ...]:
    """Words that are more frequent inside than outside, the most telling first: by the z of two shares."""
    if not words or inside.all() or not inside.any():
        return ()
    masks = np.array([mask for _, mask in words])
    n, k = len(inside), int(inside.sum())
    share = masks.mean(1)
    z = (masks[:, inside].mean(1) - share) / np.sqrt(np.maximum(share * (1 - share) / k * (1 - k / n), 1e-12))
    best = [place for place in np.argsort(-z, kind="stable")[:most] if z[place] > 3]
    return tuple(words[place][0].words for place in best)
