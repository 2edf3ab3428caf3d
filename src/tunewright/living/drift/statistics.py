"""What a drift test is: a statistic of which rows are called new, computed for many such choices at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Protocol

import numpy as np

from tunewright.living.drift.aspects import Aspect

Array = np.ndarray[Any, np.dtype[Any]]
Statistic = Callable[[Array], Array]


class DriftTest(Protocol):
    """A frozen dataclass whose fields are its knobs."""

    kind: ClassVar[str]
    reads: ClassVar[str]

    def prepare(self, aspect: Aspect) -> Statistic | None:
        """From (B, N) masks, true where a row is called new, to (B,) statistics >= 0, larger for larger differences.

        None where the aspect has nothing to test. What does not depend on the choice (orders, kernels, neighbours) is
        computed once.
        """
        ...


def rows_of(masks: Array) -> tuple[Array, Array]:
    """(B, 1) how many rows are called new, and how many are not."""
    new = masks.sum(1, keepdims=True).astype(np.float64)
    return new, masks.shape[1] - new
