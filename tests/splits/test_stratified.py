"""Dealing out clusters: a partition, whole clusters, fair shares, the same for the same seed."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tunewright.errors import DataError
from tunewright.splits.stratified import spread

SHARES = st.sampled_from([(0.15, 0.15), (0.1, 0.2), (0.2, 0.1), (0.25, 0.25), (0.0, 0.2), (0.15, 0.0)])
UNITS = st.lists(st.tuples(st.integers(1, 4), st.integers(0, 4)), min_size=8, max_size=120)


def rows_of(units: list[tuple[int, int]]) -> tuple[np.ndarray, np.ndarray]:
    labels = np.repeat(np.arange(len(units)), [size for size, _ in units])
    return labels, np.repeat([code for _, code in units], [size for size, _ in units])


@settings(max_examples=300, deadline=None)
@given(units=UNITS, shares=SHARES, seed=st.integers(0, 9))
def test_whole_clusters_fair_shares_and_determinism(
    units: list[tuple[int, int]], shares: tuple[float, float], seed: int
) -> None:
    labels, codes = rows_of(units)
    strata = np.unique(codes).size
    assume(len(units) >= strata + 2 and labels.size >= 40)
    parts = spread(labels, codes, shares=shares, seed=seed)
    assert np.isin(parts, (0, 1, 2)).all()
    assert all(len(set(parts[labels == label])) == 1 for label in np.unique(labels))
    assert (parts == spread(labels, codes, shares=shares, seed=seed)).all()
    filled = repaired(parts, labels, codes, shares)
    for code in np.unique(codes):
        inside = codes == code
        count = np.unique(labels[inside]).size
        unit = max(size for size, c in units if c == code)
        assert (parts[inside] == 0).any()
        for part, share in enumerate((1 - sum(shares), *shares)):
            rows = int((parts[inside] == part).sum())
            slack = 0.5 * unit if count == 3 else 0.0  # three units go to three parts
            if not filled:
                assert abs(rows - share * inside.sum()) <= unit + slack + 1e-9
            if share == 0:
                assert rows == 0


def repaired(parts: np.ndarray, labels: np.ndarray, codes: np.ndarray, shares: tuple[float, float]) -> bool:
    """Whether a part has a single unit, which may have been moved there because it was empty."""
    return any(np.unique(labels[parts == p]).size == 1 for p, share in enumerate((1.0, *shares)) if share)


@pytest.mark.parametrize("units", [3, 4, 5, 6, 10])
def test_a_class_of_three_rows_or_more_is_in_every_part(units: int) -> None:
    codes = np.repeat(np.arange(20), units)
    parts = spread(np.arange(codes.size), codes, shares=(0.15, 0.15), seed=1)
    for code in range(20):
        assert set(parts[codes == code]) == {0, 1, 2}


def test_a_class_of_one_row_trains() -> None:
    codes = np.array([0] * 50 + [1] * 50 + list(range(2, 12)))
    parts = spread(np.arange(codes.size), codes, shares=(0.3, 0.3), seed=4)
    assert (parts[100:] == 0).all()


def test_many_small_classes_still_fill_the_parts_evenly() -> None:
    codes = np.repeat(np.arange(300), 5)
    sizes = np.bincount(spread(np.arange(1500), codes, shares=(0.15, 0.15), seed=0))
    assert abs(sizes[1] - 225) <= 80 and abs(sizes[1] - sizes[2]) <= 5
    pairs = np.bincount(spread(np.arange(600), np.repeat(np.arange(300), 2), shares=(0.15, 0.2), seed=0), minlength=3)
    assert pairs[1] >= 30 and pairs[2] >= 30


def test_a_cluster_of_several_classes_counts_for_the_most_frequent() -> None:
    labels = np.array([0, 0, 0, *range(1, 40)])
    codes = np.array([1, 1, 0, *[0] * 20, *[1] * 19])
    parts = spread(labels, codes, shares=(0.2, 0.2), seed=0)
    assert len(set(parts[:3])) == 1 and parts[0] == 0


def test_another_seed_gives_another_split() -> None:
    codes = np.arange(100) % 2
    first, second = (spread(np.arange(100), codes, shares=(0.15, 0.15), seed=seed) for seed in (0, 1))
    assert (first != second).any()


@pytest.mark.parametrize(("rows", "classes"), [(3, 1), (4, 2), (7, 3), (12, 2), (19, 5)])
def test_very_few_rows_still_fill_every_part(rows: int, classes: int) -> None:
    for seed in range(5):
        parts = spread(np.arange(rows), np.arange(rows) % classes, shares=(0.15, 0.15), seed=seed)
        assert set(parts) == {0, 1, 2}
        assert set(np.arange(rows)[parts == 0] % classes) == set(range(classes))


@pytest.mark.parametrize(
    ("labels", "codes", "needed"), [([0, 1], [0, 0], 3), ([0, 1, 2], [0, 0, 1], 4), ([0] * 30, [0] * 30, 3)]
)
def test_too_few_units_say_how_many_are_needed(labels: list[int], codes: list[int], needed: int) -> None:
    with pytest.raises(DataError, match=f"at least {needed} labelled rows"):
        spread(np.array(labels), np.array(codes), shares=(0.15, 0.15), seed=0)


def test_rows_tied_together_otherwise_move_few_others():
    """Another column left out makes other rows alike; the test parts of both plans must stay comparable."""
    rng = np.random.default_rng(0)
    codes = rng.integers(0, 5, 1000)
    one = spread(np.arange(1000), codes, shares=(0.15, 0.15), seed=3)
    tied = np.arange(1000)
    for a, b in rng.choice(1000, (40, 2), replace=False):
        tied[tied == tied[b]] = tied[a]
    other = spread(tied, codes, shares=(0.15, 0.15), seed=3)
    stayed = (one[one == 2] == other[one == 2]).mean()
    assert stayed > 0.85
    assert (one == other).mean() > 0.9


def test_rows_that_are_added_leave_the_others_where_they_were():
    codes = np.random.default_rng(1).integers(0, 3, 1100)
    before = spread(np.arange(1000), codes[:1000], shares=(0.15, 0.15), seed=0)
    after = spread(np.arange(1100), codes, shares=(0.15, 0.15), seed=0)[:1000]
    assert (before == after).mean() > 0.9
    # No row was learned from before and is tested on now, but for a few at the edge.
    assert ((before == 0) & (after == 2)).mean() < 0.03
    assert (spread(np.arange(1000), codes[:1000], shares=(0.15, 0.15), seed=1) == before).mean() < 0.65
