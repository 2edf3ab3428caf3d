"""Picks are unsure, far apart, repeat nothing, and are the same for the same seed."""

import numpy as np
import pytest

from tunewright.living.alike import SameCells
from tunewright.living.doubts import Answered, unit
from tunewright.living.picking import MOST_DISTANCES, Picker, considered, shares


def made(n=60, classes=3, features=8, seed=0):
    rng = np.random.default_rng(seed)
    x = unit(rng.normal(size=(n, features)))
    p = rng.dirichlet(np.ones(classes) * 0.5, n)
    said = np.eye(classes)[p.argmax(1)]
    best = np.sort(p, 1)[:, -2:]
    return Answered(x=x, residuals=(p - said).astype(np.float32), doubts=1 - (best[:, 1] - best[:, 0]))


def nothing_alike(n):
    return SameCells(np.arange(n)[:, None])


def rows(picked):
    return [one.row for one in picked]


def test_distances_are_those_of_the_gradients_written_out():
    answered = made()
    picker = Picker(answered, nothing_alike(60), seed=4)
    chosen = rows(picker.pick(7))
    gradients = (answered.residuals[:, :, None] * answered.x[:, None, :]).reshape(60, -1)
    expected = ((gradients[:, None] - gradients[chosen][None]) ** 2).sum(2).min(1)
    expected = np.minimum(expected, (gradients**2).sum(1))  # the origin counts as picked
    np.testing.assert_allclose(picker._nearest, expected, atol=1e-5)
    assert chosen[0] == int((gradients**2).sum(1).argmax())


def test_the_same_seed_picks_the_same_and_no_row_twice():
    answered = made()
    first = rows(Picker(answered, nothing_alike(60), seed=1).pick(20))
    assert first == rows(Picker(answered, nothing_alike(60), seed=1).pick(20))
    assert first != rows(Picker(answered, nothing_alike(60), seed=2).pick(20))
    assert len(set(first)) == 20


def test_picks_are_more_doubtful_than_chance_and_spread_over_clouds():
    rng = np.random.default_rng(0)
    clouds = np.repeat(np.eye(6), 50, axis=0)
    x = unit(clouds + rng.normal(size=clouds.shape) * 0.02)
    p = np.clip(np.where(rng.random(300) < 0.5, 0.5, 0.98) + rng.normal(size=300) * 0.01, 0.5, 0.999)
    answered = Answered(x=x, residuals=np.stack([p - 1, 1 - p], 1).astype(np.float32), doubts=2 - 2 * p)
    picked = Picker(answered, nothing_alike(300), seed=0).pick(6)
    assert len({one.row // 50 for one in picked}) == 6
    assert np.mean([one.doubt for one in picked]) > 0.9 > answered.doubts.mean()


def test_what_repeats_a_pick_or_a_labelled_row_is_passed_over():
    answered = made(n=12)
    keys = np.array([0, 0, 0, 1, 1, 2, 3, 4, 5, 6, 7, 8, 3, 9])[:, None]  # the last two rows have labels
    picker = Picker(answered, SameCells(keys), labelled=2, seed=0)
    chosen = rows(picker.pick(12))
    found = keys[chosen, 0].tolist()
    assert sorted(found) == [0, 1, 2, 4, 5, 6, 7, 8]
    assert picker.repeats == 4
    assert picker.pick(3) == []


def test_a_mask_holds_and_memory_lasts():
    answered = made()
    picker = Picker(answered, nothing_alike(60), seed=0)
    inside = np.arange(60) < 10
    first = picker.pick(4, among=inside, slice_number=2)
    assert all(one.row < 10 and one.slice == 2 for one in first)
    second = picker.pick(50)
    assert not {*rows(first)} & {*rows(second)}
    assert all(one.slice is None for one in second)
    assert len(first) + len(second) == 54


def test_rows_that_all_are_sure_are_picked_all_the_same():
    answered = Answered(x=unit(np.eye(4)), residuals=np.zeros((4, 2), np.float32), doubts=np.zeros(4))
    assert sorted(rows(Picker(answered, nothing_alike(4)).pick(4))) == [0, 1, 2, 3]


def test_far_from_labelled_rows_comes_first_where_only_features_speak():
    x = unit(np.array([[1.0, 0.0], [0.999, 0.04], [0.0, 1.0], [0.998, 0.06]]))
    answered = Answered(x=x, residuals=np.ones((4, 1), np.float32), doubts=np.zeros(4))
    near = 2 - 2 * (x @ np.array([1.0, 0.0]))
    picks = [rows(Picker(answered, nothing_alike(4), near=near, seed=seed).pick(1))[0] for seed in range(20)]
    assert picks.count(2) >= 19


@pytest.mark.parametrize("budget", [0, 1, 2, 3, 10, 101])
@pytest.mark.parametrize("sizes", [[], [5], [1, 1, 1], [100, 1, 40]])
def test_slices_share_half_of_the_budget(budget, sizes):
    found = shares(budget, sizes)
    assert len(found) == len(sizes)
    assert sum(found) <= budget // 2
    assert all(0 <= part <= size for part, size in zip(found, sizes, strict=True))


def test_of_many_rows_the_least_sure_take_part():
    doubts = np.arange(20_000) / 20_000
    most = MOST_DISTANCES // 5_000
    assert considered(doubts, 5_000).tolist() == list(range(20_000 - most, 20_000))
    assert len(considered(doubts, 15_000)) == 15_000  # never fewer than the budget
    tied = considered(np.zeros(20_000), 5_000)
    assert len(tied) == most and tied.max() > most  # by lot, not by place in the file
