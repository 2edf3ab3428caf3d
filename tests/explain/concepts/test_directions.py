"""Directions of made clouds: planted ones are found in both halves, noise gives none, whatever the axes."""

import numpy as np
import pytest

from tunewright.explain.concepts.ends import FEWEST, ends_of, far_end
from tunewright.explain.concepts.halves import find_directions
from tunewright.explain.concepts.pursuit import by_camps, by_skewness, far_out, unit

WIDTH = 48


def cloud(shares=(0.1, 0.2, 0.4), rows=800, width=WIDTH, size=6.0, seed=0):
    """Noise, to some rows of which a part is added each; which rows have which part, and the parts' directions."""
    rng = np.random.default_rng(seed)
    parts = np.linalg.qr(rng.normal(size=(width, len(shares))))[0].T
    has = rng.random((rows, len(shares))) < shares
    return rng.normal(size=(rows, width)) + size * has @ parts, has, parts


def ends(found, vectors):
    """(n, C) which rows stand at which end."""
    amounts = found.amounts(vectors)
    return amounts >= [far_end(column) for column in amounts.T]


@pytest.mark.parametrize("seed", range(3))
def test_planted_parts_are_found_with_the_rows_that_have_them(seed):
    vectors, has, parts = cloud(seed=seed)
    found = find_directions(vectors, most=12, seed=seed)
    assert len(found) == len(parts)
    alike = unit(found.step) @ parts.T
    place = alike.argmax(1)
    assert sorted(place) == [0, 1, 2] and alike.max(1).min() > 0.9
    assert (ends(found, vectors) == has[:, place]).mean() > 0.98
    assert (found.agreement >= 0.8).all() and (np.diff(found.agreement) <= 0).all()


def test_two_camps_of_one_size_are_found():
    """Skewness sees nothing there."""
    vectors, has, parts = cloud(shares=(0.5,), seed=4)
    found = find_directions(vectors, most=12)
    assert len(found) == 1 and abs(unit(found.step) @ parts[0]) > 0.9
    inside = ends(found, vectors)[:, 0]
    assert max((inside == has[:, 0]).mean(), (inside != has[:, 0]).mean()) > 0.98


def test_classes_that_exclude_each_other_are_found_one_by_one():
    """Three classes lie at 120 degrees in a plane: directions at right angles would miss at least one."""
    rng = np.random.default_rng(2)
    kind = rng.integers(0, 3, 900)
    middles = 6 * np.linalg.qr(rng.normal(size=(WIDTH, 3)))[0].T
    vectors = middles[kind] + rng.normal(size=(900, WIDTH))
    found = find_directions(vectors, most=12)
    assert len(found) == 3
    inside = ends(found, vectors)
    shares = np.array([[inside[kind == one, place].mean() for one in range(3)] for place in range(3)])
    assert sorted(shares.argmax(1)) == [0, 1, 2]
    assert (np.sort(shares, axis=1)[:, -1] > 0.98).all() and (np.sort(shares, axis=1)[:, :-1] < 0.02).all()


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("spectrum", "width"),
    [("even", 8), ("even", 384), ("falling", 8), ("falling", 32), ("falling", 384), ("sphere", 32), ("sphere", 384)],
)
def test_a_random_cloud_gives_none(seed, width, spectrum):
    """Also where a few strong axes make any two directions look alike."""
    vectors = np.random.default_rng(seed).normal(size=(700, width))
    if spectrum == "falling":
        vectors = vectors * np.geomspace(10, 0.1, width)
    if spectrum == "sphere":  # where a model's vectors lie
        vectors = unit(vectors) * np.sqrt(width)
    assert len(find_directions(vectors, most=12, seed=seed)) == 0


def test_what_one_row_alone_shows_is_not_found_again():
    vectors = np.random.default_rng(0).normal(size=(600, WIDTH))
    vectors[17] += 80 * np.eye(WIDTH)[3]
    white = (vectors - vectors.mean(0)) / vectors.std(0)
    assert far_out(white, np.random.default_rng(0))[:, 3].max() > 0.9  # it is there to be found
    assert len(find_directions(vectors, most=12)) == 0


def test_each_direction_is_that_of_means_in_either_half():
    """An oracle that knows nothing of the search: rows at an end less all others, in two halves drawn otherwise."""
    vectors, _, _ = cloud(seed=7)
    found = find_directions(vectors, most=12)
    inside = ends(found, vectors)
    half = np.random.default_rng(99).random(len(vectors)) < 0.5
    for place in range(len(found)):
        first, second = (
            vectors[part & inside[:, place]].mean(0) - vectors[part & ~inside[:, place]].mean(0)
            for part in (half, ~half)
        )
        assert unit(first) @ unit(second) >= 0.8
        assert unit(first + second) @ unit(found.step[place]) > 0.9


def test_amounts_do_not_depend_on_the_axes():
    vectors, _, _ = cloud(seed=3)
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(WIDTH, WIDTH)))[0]
    plain, turned = find_directions(vectors, most=12), find_directions(3 * vectors @ turn + 1, most=12)
    assert np.allclose(plain.amounts(vectors), turned.amounts(3 * vectors @ turn + 1), atol=1e-6)


def test_a_row_loses_what_is_taken_out_and_nothing_else_is_read_of_it():
    vectors, _, _ = cloud(seed=1)
    found = find_directions(vectors, most=12)
    amounts = found.amounts(vectors)
    assert np.allclose(amounts.mean(0), 0) and np.allclose(amounts.std(0), 1)
    for place in range(len(found)):
        without = vectors - amounts[:, [place]] * found.step[place]
        assert np.abs(found.amounts(without)[:, place]).max() < 1e-9


def test_there_are_never_more_than_asked_for_and_odd_clouds_have_none():
    vectors, _, _ = cloud(seed=1)
    two = find_directions(vectors, most=2)
    assert len(two) == 2 and np.array_equal(two.agreement, find_directions(vectors, most=12).agreement[:2])
    assert len(find_directions(np.ones((300, 5)), most=12)) == 0
    assert len(find_directions(np.random.default_rng(0).normal(size=(30, 5)), most=12)) == 0


def test_steps_stay_where_independent_parts_are():
    """Sources that are independent stand still under both steps."""
    rng = np.random.default_rng(0)
    source = np.where(rng.random((200_000, 2)) < [0.1, 0.5], 1.0, 0.0)
    white = (source - source.mean(0)) / source.std(0)
    for step, place in ((by_skewness, 0), (by_camps, 1)):
        moved = unit(step(white, np.eye(2)[[place]]))
        assert abs(moved[0, place]) > 0.999


def test_far_end_against_all_cuts():
    rng = np.random.default_rng(0)
    for _ in range(20):
        amounts = np.concatenate([rng.normal(size=30), rng.normal(3, 1, size=rng.integers(1, 9))])
        cuts = np.sort(amounts)[1:]
        parts = [(amounts[amounts < cut], amounts[amounts >= cut]) for cut in cuts]
        within = [sum(part.var() * len(part) for part in two) for two in parts]
        best = cuts[int(np.argmin(within))]
        assert ((amounts >= far_end(amounts)) == (amounts >= best)).all()


def test_an_end_needs_rows_of_both_kinds():
    vectors, has, _ = cloud(shares=(0.2,), seed=2)
    found = find_directions(vectors, most=12)
    (end,) = ends_of(found, vectors, vectors[:100])
    assert (end.inside == has[:, 0]).mean() > 0.98
    assert set(end.taken.rows) == set(np.flatnonzero(end.inside[:100]))
    taken = vectors[end.taken.rows] + end.taken.moves
    assert np.abs(found.amounts(taken)).max() < 1e-9  # nothing is left of it
    few = np.concatenate([vectors[~has[:, 0]][:90], vectors[has[:, 0]][: FEWEST - 1]])
    assert ends_of(found, vectors, few) == []
    assert ends_of(found, few, vectors) == []
