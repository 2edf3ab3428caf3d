"""Rows to learn from or to be judged on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tunewright.models.inputs import Inputs
from tunewright.models.tokens import Tokens

Array = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Texts:
    """The texts behind the tokens of train rows.

    Args:
        segments: cleaned texts of the whole train part, one list per segment, every row once.
        rows: (n,) which of them the rows are; resampling repeats some.
        tokenize: texts to tokens, cut where all are.
        edges: special tokens that it puts before and behind each.
    """

    segments: tuple[Sequence[str], ...]
    rows: Array
    tokenize: Callable[[Sequence[str]], Tokens]
    edges: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Labelled:
    """Rows with targets and how much each counts: (n,) weights, mean one, or None; their texts, if something asks."""

    inputs: Inputs
    targets: Array
    weights: Array | None = None
    texts: Texts | None = None
