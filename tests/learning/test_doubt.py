"""Doubt about given classes: known noise, symmetries, and a plain recount."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score

from tunewright.learning.doubt import confusion, doubt


def answers(truth, classes, rng, *, alike=None, sharp=6.0):
    """Probabilities around the truth; where classes are alike, the runner-up is the alike one."""
    logits = rng.normal(size=(len(truth), classes))
    logits[np.arange(len(truth)), truth] += sharp
    if alike is not None:
        logits[np.arange(len(truth)), alike[truth]] += sharp * 0.6
    powers = np.exp(logits)
    return powers / powers.sum(1, keepdims=True)


def flipped(truth, classes, rng, to=None, rate=0.1):
    bad = rng.random(len(truth)) < rate
    other = (truth + rng.integers(1, classes, len(truth))) % classes if to is None else to[truth]
    return np.where(bad, other, truth), bad


def margins(p, y):
    own = p[np.arange(len(p)), y]
    rest = p.copy()
    rest[np.arange(len(p)), y] = -1
    return rest.max(1) - own, own


@pytest.mark.parametrize("rate", [0.01, 0.1])
@pytest.mark.parametrize("slips", [True, False])
def test_ranks_about_as_well_as_the_better_of_self_confidence_and_margin(rate, slips):
    rng = np.random.default_rng(0)
    alike = np.arange(20) ^ 1
    p = answers(rng.integers(0, 20, 6000), 20, rng, alike=alike, sharp=8)
    truth = np.array([rng.choice(20, p=row) for row in p])
    y, bad = flipped(truth, 20, rng, None if slips else alike, rate)
    margin, own = margins(p, y)
    scores = [average_precision_score(bad, one) for one in (margin, -own)]
    ours = average_precision_score(bad, doubt(p, y).score)
    assert ours >= min(scores) and ours >= max(scores) - (0.02 if rate == 0.1 else 0.1)


def test_u_is_nought_for_labels_at_random_and_one_for_runners_up():
    rng = np.random.default_rng(1)
    truth = rng.integers(0, 10, 5000)
    p = answers(truth, 10, rng)
    y, bad = flipped(truth, 10, rng)
    margin, own = margins(p, y)
    assert confusion(own[bad], (margin + own)[bad], 10) < 0.2
    near = answers(truth, 10, rng, alike=np.arange(10) ^ 1)
    margin, own = margins(near, truth ^ 1)
    assert confusion(own, margin + own, 10) > 0.8
    assert confusion(own[:3], (margin + own)[:3], 10) == 1.0 and confusion(own, own, 2) == 1.0


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 60), st.integers(0, 5))
def test_with_two_classes_it_is_the_order_of_the_margin(rows, seed):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet([1, 1], rows)
    y = rng.integers(0, 2, rows)
    found = doubt(p, y)
    margin = margins(p, y)[0]
    order = np.argsort(margin)
    assert (np.diff(found.score[order]) >= -1e-9).all()
    np.testing.assert_allclose(found.odds, (1 + margin) / (1 - margin), rtol=1e-6)
    np.testing.assert_array_equal(found.suggested, 1 - y)


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 60), st.integers(3, 6), st.integers(0, 5))
def test_row_order_and_class_numbers_do_not_matter(rows, classes, seed):
    rng = np.random.default_rng(seed)
    p, y = rng.dirichlet(np.full(classes, 0.3), rows), rng.integers(0, classes, rows)
    found = doubt(p, y)
    order, names = rng.permutation(rows), rng.permutation(classes)
    again = doubt(p[order][:, np.argsort(names)], names[y[order]])
    np.testing.assert_allclose(again.score, found.score[order], atol=1e-12)
    np.testing.assert_array_equal(again.suggested, names[found.suggested[order]])
    assert again.errors == pytest.approx(found.errors)


def test_mislabelling_in_one_direction_counts_for_more_than_confusion_both_ways():
    rng = np.random.default_rng(2)
    truth = rng.integers(0, 4, 4000)
    alike = np.array([1, 0, 3, 2])
    p = answers(truth, 4, rng, alike=alike, sharp=3)
    one_way = np.where(truth == 0, 1, truth)
    y, bad = flipped(truth, 4, rng, to=np.array([1, 1, 2, 3]), rate=0.3)
    assert (y[bad & (truth == 0)] == 1).all() and (one_way == 1).any()
    margin, _ = margins(p, y)
    wrong = y != truth
    assert average_precision_score(wrong, doubt(p, y).score) > average_precision_score(wrong, margin) + 0.01


def test_rows_without_a_class_are_not_doubted_and_count_for_nothing():
    rng = np.random.default_rng(3)
    truth = rng.integers(0, 5, 500)
    p = answers(truth, 5, rng)
    y, _ = flipped(truth, 5, rng)
    y[:50] = -1
    found = doubt(p, y)
    assert (found.score[:50] == -np.inf).all()
    alone = doubt(p[50:], y[50:])
    np.testing.assert_allclose(found.score[50:], alone.score)
    assert found.errors == alone.errors


def test_what_is_read_off_comes_from_the_rows_that_may_be_read():
    rng = np.random.default_rng(4)
    truth = rng.integers(0, 5, 600)
    p = answers(truth, 5, rng)
    y, _ = flipped(truth, 5, rng)
    read = np.arange(600) < 400
    other = y.copy()
    other[~read] = rng.integers(0, 5, 200)
    one, two = doubt(p, y, read), doubt(p, other, read)
    np.testing.assert_array_equal(one.score[read], two.score[read])
    assert one.errors == two.errors == doubt(p[read], y[read]).errors


def test_errors_recounted_row_by_row():
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 4, 400)
    p = answers(truth, 4, rng, sharp=2)
    y, _ = flipped(truth, 4, rng)
    usual = [np.mean([p[i, k] for i in range(400) if y[i] == k]) for k in range(4)]
    expected = 0.0
    for k in range(4):
        mine = [i for i in range(400) if y[i] == k]
        confident = [i for i in mine if p[i].max() >= usual[int(p[i].argmax())]]
        expected += len(mine) * sum(p[i].argmax() != k for i in confident) / len(confident)
    assert doubt(p, y).errors == pytest.approx(expected)


@pytest.mark.parametrize("rate", [0.0, 0.05, 0.2])
def test_the_count_of_errors_is_about_right_where_classes_are_clear(rate):
    rng = np.random.default_rng(6)
    truth = rng.integers(0, 6, 3000)
    y, bad = flipped(truth, 6, rng, rate=rate)
    assert doubt(answers(truth, 6, rng, sharp=8), y).errors == pytest.approx(bad.sum(), abs=0.01 * 3000)


def test_nothing_is_changed_and_float32_is_fine():
    rng = np.random.default_rng(7)
    p, y = rng.dirichlet(np.ones(5), 100).astype(np.float32), rng.integers(0, 5, 100)
    before = p.copy()
    doubt(p, y)
    np.testing.assert_array_equal(p, before)


def test_no_rows():
    assert len(doubt(np.zeros((0, 3)), np.zeros(0, int)).score) == 0
    assert doubt(np.zeros((0, 3)), np.zeros(0, int)).errors == 0
