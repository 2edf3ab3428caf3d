"""Replay keeps every class in its share, and rare ones in full."""

from collections import Counter

from tunewright.living.replay import EACH, LEAST, TIMES, replayed


def test_few_old_rows_are_all_replayed():
    assert replayed(["a"] * 500, new=100, seed=0).tolist() == list(range(500))


def test_many_are_drawn_in_their_shares_and_rare_classes_stay():
    names = ["a"] * 6000 + ["b"] * 2990 + ["c"] * 10
    rows = replayed(names, new=500, seed=1)
    counts = Counter(names[row] for row in rows)
    wanted = max(TIMES * 500, LEAST)
    assert abs(counts["a"] - 6000 / 9000 * wanted) <= 1 and counts["c"] == EACH
    assert (rows[1:] > rows[:-1]).all()
    assert replayed(names, new=500, seed=1).tolist() == rows.tolist()
    assert replayed(names, new=500, seed=2).tolist() != rows.tolist()
