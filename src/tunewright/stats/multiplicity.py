"""Many tests at once: keep the chance of even one false claim where it was."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tunewright.errors import DataError


def holm(p_values: ArrayLike) -> NDArray[np.float64]:
    """Holm's step-down adjustment: compare the result with the level as if there had been one test.

    Args:
        p_values: (m,) in [0, 1], in any order; the result keeps it.

    Raises:
        DataError: a p-value is outside [0, 1] or not a number.

    Source: Holm (1979), A simple sequentially rejective multiple test procedure. Scand. J. Statistics 6, 65-70.

    >>> holm([0.01, 0.04, 0.03]).round(3).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    if p.ndim != 1 or not ((p >= 0) & (p <= 1)).all():
        raise DataError("p-values must be a list of numbers in [0, 1]. Got something else. Leave undefined ones out.")
    order = np.argsort(p, kind="stable")
    stepped = np.maximum.accumulate(p[order] * (len(p) - np.arange(len(p))))
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(stepped, 1.0)
    return adjusted
