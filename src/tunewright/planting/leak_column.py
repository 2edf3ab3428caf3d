"""A column that gives the answer away."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import polars as pl

from tunewright.planting.about import About, Planted
from tunewright.planting.amounts import spread, values_of
from tunewright.planting.drawing import as_read, new_name, put, with_columns

NAMES = ("closing_code", "review_state", "outcome_ref", "handled_as")


@dataclass(frozen=True, slots=True, kw_only=True)
class LeakingColumn:
    """Add a column that is known only after the answer: the target under other names, or on another scale, with noise.

    Args:
        noise: share of the rows with the code of another row; for a numeric target the size of the noise as a share of
            the target's spread.
    """

    name: ClassVar[str] = "leak_column"
    kind: ClassVar[str] = "leakage_target"
    also: ClassVar[tuple[str, ...]] = ()
    of: ClassVar[str] = "columns"
    touches: ClassVar[str] = "leak"
    noise: float = 0.03

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Add; rows without a target get an empty cell."""
        name = new_name(frame, NAMES, rng)
        if about.task == "regression":
            values = values_of(frame, about, about.target)
            noisy = values + rng.normal(size=len(values)) * self.noise * spread(values)
            scaled = pl.Series(name, np.round(3.5 * noisy / spread(values) + 20, 4)).fill_nan(None)
            return with_columns(frame, as_read(frame, scaled))
        target = frame[about.target]
        keys = target.list.join("|") if isinstance(target.dtype, pl.List) else target.cast(pl.String)
        keys = keys.str.strip_chars()
        swapped = keys[about.rows]
        wrong = rng.random(len(swapped)) < self.noise
        other = rng.permutation(len(swapped))
        given = swapped[np.where(wrong, other, np.arange(len(swapped)))]
        names = given.drop_nulls().unique().sort().to_list()
        numbers = rng.permutation(len(names)).tolist()
        codes = {key: f"R{number + 1:02d}" for key, number in zip(names, numbers, strict=True)}
        empty = pl.DataFrame({name: pl.repeat(None, frame.height, dtype=pl.String, eager=True)})
        cells = given.replace_strict(codes, return_dtype=pl.String)
        return with_columns(frame, put(empty, name, about.rows, cells)[name])
