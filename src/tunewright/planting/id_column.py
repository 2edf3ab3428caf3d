"""A column that names rows instead of describing them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import polars as pl

from tunewright.planting.about import About, Ints, Planted
from tunewright.planting.drawing import as_read, new_name, pick, with_columns

NAMES = ("record_id", "reference", "entry_no", "ticket_key")


@dataclass(frozen=True, slots=True, kw_only=True)
class IdColumn:
    """Add a column with a name of its own for every row: a number in random order, a code or a UUID.

    Args:
        form: which; None draws one.
    """

    name: ClassVar[str] = "id_column"
    kind: ClassVar[str] = "id_column"
    also: ClassVar[tuple[str, ...]] = ()
    of: ClassVar[str] = "columns"
    touches: ClassVar[str] = "column"
    form: Literal["number", "code", "uuid"] | None = None

    def plant(self, frame: pl.DataFrame, about: About, rng: np.random.Generator) -> Planted | None:
        """Add."""
        name = new_name(frame, NAMES, rng)
        numbers = rng.permutation(frame.height) + 10 ** len(str(frame.height))
        form: str = self.form or pick(("number", "code", "uuid"), rng)
        cells = pl.Series(name, numbers if form == "number" else _codes(numbers, form, rng))
        return with_columns(frame, as_read(frame, cells))


def _codes(numbers: Ints, form: str, rng: np.random.Generator) -> list[str]:
    if form == "uuid":
        digits = rng.bytes(16 * len(numbers)).hex()
        return [_uuid(digits[start : start + 32]) for start in range(0, len(digits), 32)]
    letters = [chr(65 + int(letter)) for letter in rng.integers(0, 26, len(numbers))]
    return [f"{letter}-{number}" for letter, number in zip(letters, numbers.tolist(), strict=True)]


def _uuid(digits: str) -> str:
    """32 hexadecimal digits as a UUID of version 4."""
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-a{digits[17:20]}-{digits[20:]}"
