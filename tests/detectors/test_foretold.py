"""How well one column foretells the target, against a plain loop over rows."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.detectors.foretold import binned, class_errors, explained, neighbour_errors


def plainly(values, classes, folds):
    """Mistakes of the most frequent class per value in the other folds; ties go to the lower class."""
    wrong = without = 0
    for value, own, fold in zip(values, classes, folds, strict=True):
        rest = [(v, c) for v, c, f in zip(values, classes, folds, strict=True) if f != fold]

        def usual(found):
            ordered = sorted((-many, one) for one, many in Counter(found).items())
            return ordered[0][1] if ordered else 0

        overall = usual([c for _, c in rest])
        seen = [c for v, c in rest if v == value]
        wrong += (usual(seen) if seen else overall) != own
        without += overall != own
    return wrong, without


rows = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=40)


@settings(deadline=None)
@given(rows)
def test_mistakes_as_by_a_loop(cells):
    values, classes, folds = (np.array(column) for column in zip(*cells, strict=True))
    assert class_errors(values, classes, folds) == plainly(values.tolist(), classes.tolist(), folds.tolist())


@settings(deadline=None)
@given(rows)
def test_variance_as_by_a_loop(cells):
    values, numbers, folds = (np.array(column) for column in zip(*cells, strict=True))
    numbers = numbers.astype(float)
    left = whole = 0.0
    for row in range(len(cells)):
        rest = folds != folds[row]
        mean = numbers[rest].mean() if rest.any() else 0.0
        like = rest & (values == values[row])
        guess = numbers[like].mean() if like.any() else mean
        left, whole = left + (numbers[row] - guess) ** 2, whole + (numbers[row] - mean) ** 2
    assert explained(values, numbers, folds) == pytest.approx(1 - left / whole if whole else 0.0, abs=1e-9)


def test_equal_numbers_say_nothing_of_their_neighbours():
    classes = np.arange(1000) % 2
    assert neighbour_errors(np.zeros(1000), classes, seed=0) > 400
    assert neighbour_errors(classes.astype(float), classes, seed=0) == 1


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60), st.integers(2, 8))
def test_bins_keep_the_order(numbers, bins):
    values = np.array(numbers)
    places = binned(values, bins=bins)
    assert (np.diff(places[np.argsort(values)]) >= 0).all() and len(set(places.tolist())) <= bins
