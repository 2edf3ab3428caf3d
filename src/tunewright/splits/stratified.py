"""The default split: at random, each part with its share of every stratum, clusters kept whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import numpy.typing as npt
import polars as pl

from tunewright.errors import DataError
from tunewright.records import Split, Table
from tunewright.splits.clusters import Clusters
from tunewright.splits.components import dense
from tunewright.splits.proof import split_of
from tunewright.splits.shingles import Ints
from tunewright.splits.strata import Strata

PRESENCE = 1 / 3  # of a unit: a part with at least this quota of a stratum gets a unit of it
LEAN = 1 / 6  # of a unit: how far the parts' overall sizes may sway a choice; keeps shares within one unit

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stratified:
    """Random, stratified, whole clusters.

    Clusters are the units. A unit counts for the stratum most of its rows have. In each part every stratum ends within
    one unit of its quota (a stratum of three units is spread over the three parts all the same). The largest unit of a
    stratum goes to train, and with it any stratum of one unit. Which unit goes where hangs on a draw of its own: plans
    that tie rows together a little otherwise share nearly all of their test rows, so that their models can be compared.

    Args:
        validation: share of the labelled rows.
        test: share of the labelled rows.
    """

    kind: ClassVar[str] = "stratified"
    validation: float = 0.15
    test: float = 0.15

    def split(self, frame: pl.DataFrame, table: Table, clusters: Clusters, strata: Strata, seed: int) -> Split:
        """Split the labelled rows.

        Args:
            frame: the rows (not looked at: clusters and strata say all).
            table: what they are (not looked at).
            clusters: rows that stay together.
            strata: the stratum of each row.
            seed: the same seed gives the same split.

        Raises:
            DataError: too few units for every part to get one and train one of every stratum.
        """
        rows = strata.labelled
        parts = np.full(strata.codes.size, -1)
        parts[rows] = spread(clusters.labels[rows], strata.codes[rows], shares=(self.validation, self.test), seed=seed)
        return split_of(parts, clusters, strata, how=self.kind)


def spread(labels: Ints, codes: Ints, *, shares: tuple[float, float], seed: int) -> Ints:
    """Deal clusters out to train (0), validation (1) and test (2).

    Args:
        labels: (n,) cluster of each row.
        codes: (n,) stratum of each row.
        shares: of the rows, for validation and test.
        seed: of the order in which equal units are dealt.

    Returns:
        (n,) part of each row.

    Raises:
        DataError: too few units.

    >>> spread(np.arange(20), np.arange(20) % 2, shares=(0.2, 0.2), seed=0).tolist().count(2)
    4
    """
    fractions = np.array([1.0 - sum(shares), *shares])
    units = dense(labels)
    size = np.bincount(units)
    stratum = _majority(units, codes)
    present, stratum = np.unique(stratum, return_inverse=True)
    _enough(len(labels), size.size, present.size, fractions)
    lot = np.full(size.size, 1.0)
    # Every row draws by itself and a unit takes its lowest draw: rows that are added, or tied together otherwise since
    # the plan reads other columns, move few of the others to another part.
    np.minimum.at(lot, units, np.random.default_rng(seed).random(len(labels)))
    order = np.lexsort((lot, -size, stratum))  # by stratum, the largest units first, else by lot
    runs = np.split(order, np.cumsum(np.bincount(stratum))[:-1])
    runs.sort(key=len)
    balance = np.zeros(3)  # rows each part lacks (or has too many of) from the strata dealt so far
    part = np.zeros(size.size, dtype=np.int64)
    for run in runs:
        dealt, balance = _deal(size[run], fractions, balance)
        # Among units of one size it is only counted who gets how many; the lowest lots make the test part.
        part[run] = np.array(dealt)[np.lexsort((-np.array(dealt), -size[run]))]
    _fill_empty(part, size, stratum, fractions)
    return part[units]


def _majority(units: Ints, codes: Ints) -> Ints:
    """The stratum most rows of each unit have; of equally many, the lowest."""
    strata = int(codes.max()) + 1
    pair, count = np.unique(units * strata + codes, return_counts=True)
    unit, code = np.divmod(pair, strata)
    order = np.lexsort((code, -count, unit))
    first = np.unique(unit[order], return_index=True)[1]
    majority: Ints = code[order][first]
    return majority


def _deal(size: Ints, fractions: Floats, balance: Floats) -> tuple[list[int], Floats]:
    """Give each unit of one stratum, largest first, to the part that lacks most; return the parts and the balance."""
    quota = fractions * size.sum()
    lack = quota.tolist()
    due = [p for p in (1, 2) if fractions[p] > 0 and quota[p] >= PRESENCE * size.mean()] if size.size >= 3 else []
    part: list[int] = []
    wanted, sway = [p for p in range(3) if fractions[p] > 0], balance.tolist()
    for place, rows in enumerate(size.tolist()):
        choices = wanted
        if place == 0:
            choices = [0]
        elif len(due) >= size.size - place:
            choices = due
        lean = [min(max(one, -LEAN * rows), LEAN * rows) for one in sway]
        best = max(choices, key=lambda p: (lack[p] + lean[p], -p))
        lack[best] -= rows
        due = [p for p in due if p != best]
        part.append(best)
    return part, balance + np.array(lack)


def _enough(rows: int, units: int, strata: int, fractions: Floats) -> None:
    parts = int((fractions > 0).sum())
    needed = strata + parts - 1
    if units < needed:
        raise DataError(
            f"A split into {parts} parts with {strata} {'class' if strata == 1 else 'classes'} in the target needs at "
            f"least {needed} labelled rows that are neither copies of each other nor of one group. Got {units} such "
            f"among {rows} labelled rows. Add rows, or merge rare classes."
        )


def _fill_empty(part: Ints, size: Ints, stratum: Ints, fractions: Floats) -> None:
    """Give an empty part the smallest unit of the stratum that has most units in train; changes `part`."""
    for empty in (1, 2):
        if fractions[empty] == 0 or (part == empty).any():
            continue
        for source in (0, 3 - empty):
            inside = np.flatnonzero(part == source)
            count = np.bincount(stratum[inside], minlength=int(stratum.max()) + 1)
            spare = inside[count[stratum[inside]] > 1] if source == 0 else inside[: max(inside.size - 1, 0)]
            if spare.size:
                part[spare[np.lexsort((size[spare], -count[stratum[spare]]))[0]]] = empty
                break
