"""Suspects of every task: planted errors are found, clean data gives few, rare classes and poor fits none."""

from dataclasses import replace

import numpy as np
import pytest

from tunewright.learning.learned import learn
from tunewright.learning.suspects import suggested, suspects
from tunewright.tasks import Classification, Multilabel, Regression

ROWS = 1500


def learned_of(task, x, targets, fitted=None):
    return learn(
        task,
        rows=np.arange(len(x)) * 2,
        features=x.astype(np.float32),
        width=x.shape[1],
        targets=targets,
        fitted=np.ones(len(x), bool) if fitted is None else fitted,
        clusters=np.arange(len(x)),
        seed=0,
    )


def clouds(rng, rows=ROWS, classes=4, apart=2.0):
    y = rng.integers(0, classes, rows)
    return (rng.normal(size=(classes, 10)) * apart)[y] + rng.normal(size=(rows, 10)), y


def classes_of(count):
    return Classification(labels=tuple(f"c{k}" for k in range(count)))


def test_flipped_classes_are_listed_worst_first():
    rng = np.random.default_rng(0)
    x, y = clouds(rng)
    bad = np.sort(rng.choice(ROWS, 75, replace=False))
    given = y.copy()
    given[bad] = (y[bad] + 1) % 4
    learned = learned_of(classes_of(4), x, given)
    found = suspects(learned)
    assert np.isin(found.places, bad).mean() > 0.9 and np.isin(bad, found.places).mean() > 0.9
    assert (np.diff(found.scores) <= 0).all()
    np.testing.assert_array_equal(found.given, given[found.places])
    hits = np.isin(found.places, bad)
    assert (found.instead[hits] == y[found.places[hits]]).mean() > 0.95
    said = suggested(learned)
    assert (said[bad] == y[bad]).mean() > 0.9 and (said == y).mean() > 0.97


def test_clean_classes_give_few_and_pure_noise_gives_none():
    rng = np.random.default_rng(1)
    x, y = clouds(rng)
    assert len(suspects(learned_of(classes_of(4), x, y)).places) <= 0.01 * ROWS
    assert not len(suspects(learned_of(classes_of(4), x, rng.permutation(y))).places)


def test_a_rare_class_is_neither_doubted_nor_suggested():
    rng = np.random.default_rng(2)
    x, y = clouds(rng)
    given = y.copy()
    given[:4] = 4
    learned = learned_of(classes_of(5), x, given)
    found = suspects(learned)
    assert not np.isin(found.places, np.arange(4)).any() and not (found.instead == 4).any()
    assert (suggested(learned)[:4] == 4).all() and not (suggested(learned)[4:] == 4).any()


def test_rows_that_taught_nothing_are_held_against_the_others():
    rng = np.random.default_rng(3)
    x, y = clouds(rng)
    fitted = np.arange(ROWS) >= 300
    given = y.copy()
    given[:30] = (y[:30] + 1) % 4
    given[300:330] = (y[300:330] + 1) % 4
    learned = learned_of(classes_of(4), x, given, fitted)
    found = suspects(learned)
    assert np.isin(np.arange(30), found.places).mean() > 0.8
    # What they hold decides nothing about the rows that were learned from.
    other = replace(learned, targets=np.where(fitted, given, rng.integers(0, 4, ROWS)))
    seen = [one.places[fitted[one.places]] for one in (found, suspects(other))]
    np.testing.assert_array_equal(*seen)


def test_a_class_that_was_not_there_to_learn_is_left_aside():
    rng = np.random.default_rng(4)
    x, y = clouds(rng)
    fitted = np.arange(ROWS) >= 100
    targets = np.where(np.arange(ROWS) < 50, -1, y)
    learned = learned_of(classes_of(4), x, targets, fitted)
    assert not (suspects(learned).places < 50).any() and (suggested(learned)[:50] == -1).all()


def test_sets_of_labels_one_missing_and_one_too_many():
    rng = np.random.default_rng(5)
    x = rng.normal(size=(ROWS, 10))
    truth = (x[:, :3] + 0.1 * rng.normal(size=(ROWS, 3)) > 0.8).astype(np.float32)
    clear = np.flatnonzero((np.abs(x[:, :3] - 0.8) > 1).all(1))
    rows = rng.choice(clear, 60, replace=False)
    given, label = truth.copy(), rng.integers(0, 3, 60)
    given[rows, label] = 1 - given[rows, label]
    found = suspects(learned_of(Multilabel(labels=("p", "q", "r")), x, given))
    assert np.isin(rows, found.places).mean() > 0.8 and np.isin(found.places, rows).mean() > 0.8
    place = {int(row): int(k) for row, k in zip(rows, label, strict=True)}
    for row, which, instead in zip(found.places, found.given, found.instead, strict=True):
        if int(row) in place:
            assert which == place[int(row)] and instead == (-1 if given[row, which] else which)
    noise = np.stack([rng.permutation(truth[:, k]) for k in range(3)], 1)
    assert not len(suspects(learned_of(Multilabel(labels=("p", "q", "r")), x, noise)).places)


def regression():
    return Regression(mean=0.0, scale=1.0, log=False, low=-9.0, high=9.0)


@pytest.mark.parametrize("noise", ["normal", "laplace"])
def test_values_beyond_the_tail(noise):
    rng = np.random.default_rng(6)
    x = rng.normal(size=(ROWS, 5))
    y = x[:, 0] * 2 + getattr(rng, noise)(size=ROWS) * 0.3
    assert len(suspects(learned_of(regression(), x, y)).places) <= 3
    bad = rng.choice(ROWS, 15, replace=False)
    given = y.copy()
    given[bad] += rng.choice([-8, 8], 15)
    found = suspects(learned_of(regression(), x, given))
    assert np.isin(bad, found.places).all() and len(found.places) <= 20 and (np.diff(found.scores) <= 0).all()


def test_a_distance_is_large_or_small_among_rows_of_its_kind():
    rng = np.random.default_rng(7)
    x = np.linspace(-1, 1, ROWS)[:, None]
    spread = np.exp(2 * x[:, 0])
    y = 20 * x[:, 0] + spread * rng.normal(size=ROWS)
    y[100] += 3
    assert np.sort(np.abs(y - 20 * x[:, 0]))[-30] > 3  # many rows are as far from what is expected of them
    found = suspects(learned_of(regression(), x, y))
    assert 100 in found.places and len(found.places) <= 3


def test_exact_values_and_few_rows_give_nothing():
    x = np.linspace(-1, 1, 300)[:, None]
    learned = learned_of(regression(), x, np.zeros(300))
    assert not len(suspects(learned).places)
    few = learned_of(regression(), x[:30], np.random.default_rng(0).normal(size=30))
    assert not len(suspects(few).places)
    assert (suggested(few) == -1).all()
