"""What detectors that look at cells share: how a cell is shown, and where marked cells are."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from tunewright.data.masking import masked
from tunewright.detectors.rows import Ints, Rows

WIDTH = 40
LOOKED_AT = 400  # characters of a cell that are masked: what is beyond them is not shown


def quote(cell: str) -> str:
    """A cell as evidence shows it: in quotes, at most 40 characters, secrets masked before they are cut.

    >>> quote("spam "), len(quote("so " * 50)), quote("ann@mail.example")
    ("'spam '", 42, "'a***@***.example'")
    """
    shown = masked(cell[:LOOKED_AT])
    return repr(shown if len(shown) <= WIDTH else shown[: WIDTH - 1] + "…")


def some(counts: Iterable[tuple[str, int]], limit: int = 3) -> str:
    """Cells with their number, most frequent first.

    >>> some([("?", 3), ("n/a", 5)])
    "5 'n/a', 3 '?'"
    """
    ordered = sorted(counts, key=lambda pair: (-pair[1], pair[0]))
    named = ", ".join(f"{n} {quote(cell)}" for cell, n in ordered[:limit])
    return f"{named} and {len(ordered) - limit} others" if len(ordered) > limit else named


def at(used: Ints, marks: pl.Series) -> tuple[int, ...]:
    """Row ids of the used rows that are marked; null is unmarked.

    >>> import numpy as np
    >>> at(np.array([3, 5, 8]), pl.Series([True, None, True]))
    (3, 8)
    """
    return tuple(used[marks.fill_null(False).to_numpy().astype(bool)].tolist())


def as_written(rows: Rows, name: str) -> pl.Series | None:
    """A column as its file has it, or None where it is no text there: numbers of a typed file, derived columns."""
    raw = rows.raw.get_column(name) if name in rows.raw.columns else None
    return raw if raw is not None and raw.dtype == pl.String else None
