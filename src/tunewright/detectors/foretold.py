"""How well the values of one column foretell the target of rows that were held out.

Shapes: m rows, V different values, K classes.
"""

from __future__ import annotations

import numpy as np

from tunewright.detectors.goals import FOLDS, Floats
from tunewright.detectors.rows import Ints


def class_errors(values: Ints, classes: Ints, folds: Ints) -> tuple[int, int]:
    """Mistakes of guessing each row's class from its value, and of guessing without; learned from the other folds.

    With the value, the guess is its most frequent class among the rows of other folds (the most frequent of all, where
    the value is new); without, the most frequent of all. O(m log m).

    Args:
        values: (m,) from 0.
        classes: (m,) from 0.
        folds: (m,) from 0.

    >>> values, classes = np.repeat([0, 1], 10), np.repeat([1, 0], 10)
    >>> class_errors(values, classes, np.arange(20) % 5)
    (0, 10)
    """
    width = int(classes.max(initial=0)) + 1
    pairs, pair_of = np.unique(values * width + classes, return_inverse=True)
    count = np.bincount(pair_of * FOLDS + folds, minlength=len(pairs) * FOLDS).reshape(-1, FOLDS)
    value_of, class_of = np.divmod(pairs, width)
    overall = np.bincount(classes * FOLDS + folds, minlength=width * FOLDS).reshape(-1, FOLDS)
    with_value, without = 0, 0
    for fold in range(FOLDS):
        here = folds == fold
        usual = int((overall.sum(1) - overall[:, fold]).argmax())
        learned = count.sum(1) - count[:, fold]
        order = np.lexsort((-class_of, learned, value_of))
        last = order[np.append(np.diff(value_of[order]) > 0, True)] if len(order) else order
        guess = np.full(int(values.max(initial=0)) + 1, usual)
        known = last[learned[last] > 0]
        guess[value_of[known]] = class_of[known]
        with_value += int((guess[values[here]] != classes[here]).sum())
        without += int((classes[here] != usual).sum())
    return with_value, without


def neighbour_errors(numbers: Floats, classes: Ints, seed: int) -> int:
    """Mistakes of guessing each row's class from the row next to it in order of a number; equal numbers are shuffled.

    >>> neighbour_errors(np.arange(20.0), np.repeat([0, 1], 10), 0)
    1
    """
    order = np.lexsort((np.random.default_rng(seed).random(len(numbers)), numbers))
    return int((np.diff(classes[order]) != 0).sum())


def explained(values: Ints, numbers: Floats, folds: Ints) -> float:
    """Share of a number's variance that the mean of each value explains in held-out rows; R², so below 0 if nothing.

    >>> round(explained(np.repeat([0, 1], 10), np.repeat([3.0, 5.0], 10), np.arange(20) % 5), 6)
    1.0
    """
    width = int(values.max(initial=0)) + 1
    cell = values * FOLDS + folds
    count = np.bincount(cell, minlength=width * FOLDS).reshape(-1, FOLDS)
    total = np.bincount(cell, weights=numbers, minlength=width * FOLDS).reshape(-1, FOLDS)
    rest_count, rest_total = count.sum(1, keepdims=True) - count, total.sum(1, keepdims=True) - total
    mean = rest_total.sum(0) / np.maximum(rest_count.sum(0), 1)
    guess = np.where(rest_count > 0, rest_total / np.maximum(rest_count, 1), mean)[values, folds]
    left = float(((numbers - guess) ** 2).sum())
    whole = float(((numbers - mean[folds]) ** 2).sum())
    return 1.0 - left / whole if whole > 0 else 0.0


def binned(numbers: Floats, *, bins: int) -> Ints:
    """Numbers as places of about equally many rows; NaN as one more.

    >>> binned(np.array([1.0, 2.0, 3.0, 4.0, np.nan]), bins=2).tolist()
    [0, 0, 1, 1, 2]
    """
    known = np.isfinite(numbers)
    cuts = np.unique(np.quantile(numbers[known], np.linspace(0, 1, bins + 1)[1:-1])) if known.any() else np.zeros(0)
    return np.asarray(np.where(known, np.searchsorted(cuts, numbers, side="right"), len(cuts) + 1), np.int64)
