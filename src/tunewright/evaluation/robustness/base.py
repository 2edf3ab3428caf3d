"""What all kinds of damage share: the rows they act on, and how changed cells become rows again."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
import polars as pl

from tunewright.data.derived import compute
from tunewright.data.expressions import parse
from tunewright.records import Table

Cells = Mapping[str, pl.Series]
Rewrite = Callable[[str, np.random.Generator], str]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rows:
    """Rows that are damaged.

    Args:
        typed: (n) rows, as `conform` casts them.
        table: their columns.
        seed: of everything that is drawn.
    """

    typed: pl.DataFrame
    table: Table
    seed: int

    @property
    def columns(self) -> tuple[str, ...]:
        """Feature columns of the file, in table order; derived ones follow from them."""
        return tuple(c.name for c in self.table.columns if c.role == "feature" and not c.derived)

    @property
    def texts(self) -> tuple[str, ...]:
        """Those of them that hold text."""
        return tuple(c.name for c in self.table.columns if c.role == "feature" and c.kind == "text" and not c.derived)

    def rewritten(self, rewrite: Rewrite) -> dict[str, pl.Series]:
        """New cells of every text column; empty cells stay empty, and equal texts become equal ones."""
        return {
            name: pl.Series(
                name,
                [text and rewrite(text, _draws(text, self.seed)) for text in self.typed[name].to_list()],
                dtype=pl.String,
            )
            for name in self.texts
        }


class Damaging(Protocol):
    """A kind of damage.

    `kind` names it, `says` tells in a clause what happens to a row.
    """

    kind: ClassVar[str]
    says: ClassVar[str]

    def change(self, rows: Rows) -> Iterator[tuple[str, Cells]]:
        """What is tried, by name: new cells by column, one for each of the rows."""
        ...


def with_cells(rows: Rows, cells: Cells) -> pl.DataFrame:
    """The typed rows with other cells, and what is derived from these computed again.

    A derived column that needs a column which the table leaves out of its typed rows stays as it is.
    """
    frame = rows.typed.with_columns(list(cells.values()))
    own = {name: frame[name] for name in frame.columns}
    return frame.with_columns(
        [
            compute(column, own)
            for column in rows.table.columns
            if column.derived and column.name in own and _depends(column.derived, cells, own)
        ]
    )


def in_case_of(word: str, new: str) -> str:
    """A new word in the case of the old one.

    >>> in_case_of("Refund", "refunds"), in_case_of("REFUND", "refunds"), in_case_of("I", "you")
    ('Refunds', 'REFUNDS', 'You')
    """
    if word.isupper() and len(word) > 1:
        return new.upper()
    return new[:1].upper() + new[1:] if word[:1].isupper() else new


def _depends(expression: str, cells: Cells, there: Mapping[str, pl.Series]) -> bool:
    sources = set(parse(expression).columns)
    return bool(sources & set(cells)) and sources <= set(there)


def _draws(text: str, seed: int) -> np.random.Generator:
    # By the text, not by its place: the same text is damaged in the same way in whatever sample it stands.
    return np.random.default_rng([seed, zlib.crc32(text.encode("utf-8", "replace"))])
