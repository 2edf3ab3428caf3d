"""Out-of-fold answers as calibrated log posteriors of linear discriminants: what adjusted logits are subtracted from.

Taking the frequency of classes out of an answer (Menon et al. 2021) means subtracting log frequencies from log
probabilities. Memberships of a ridge fit are none: they neglect rare classes far more than a trained head does, so that
a push towards these looks like a gain where the head loses. Discriminants give log posteriors from the same sums, up to
one temperature, since features are not quite normal. Shapes: m rows, F features, K classes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np

from tunewright.learning.calibration import least_loss_temperature
from tunewright.learning.crossfit import FoldSums
from tunewright.learning.discriminant import discriminants

Array = np.ndarray[Any, np.dtype[Any]]
Answer = Callable[[Array], Array]


def posterior_answers(
    x_mF: Array, targets: Array, sums: FoldSums, *, penalty: float, offset: Array | None
) -> Iterator[tuple[Array, Answer]]:
    """Each fold's rows, and what the fit of all other folds answers: rows to (n, K) log probabilities, less an offset.

    The temperature of a fold is fitted on the out-of-fold answers for the rows of the other folds.

    Args:
        x_mF: features.
        targets: (m,) class numbers, −1 unknown.
        sums: over the folds, of one-hot targets.
        penalty: of the discriminants.
        offset: (K,) what training adds to the logits, and answers lack; None: nothing.
    """
    fits = [(held, discriminants(rest, [penalty])[0]) for held, rest in sums.held_out()]
    outside = np.zeros((len(x_mF), fits[0][1][1].shape[0]), np.float32)
    for held, (weight, bias) in fits:
        outside[held] = x_mF[held] @ weight + bias
    known = (targets >= 0) & (sums.weights > 0)
    for held, (weight, bias) in fits:
        elsewhere = known.copy()
        elsewhere[held] = False
        temperature = least_loss_temperature(outside[elsewhere], targets[elsewhere])[0]
        shift = bias / temperature - (0.0 if offset is None else offset)
        yield held, partial(linear_answer, x_mF, (weight / temperature, shift))


def linear_answer(x_mF: Array, fit: tuple[Array, Array], rows: Array) -> Array:
    """(n, K) float32 answers of a linear fit to some rows, given by their places.

    >>> linear_answer(np.eye(2), (np.array([[1.0], [2.0]]), np.array([0.5])), np.array([1])).tolist()
    [[2.5]]
    """
    weight, bias = fit
    return np.asarray(x_mF[rows] @ weight + bias, np.float32)
