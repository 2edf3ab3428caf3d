"""From a behaviour to the rows a model is asked about: as they are, and changed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tunewright.errors import PlanError
from tunewright.evaluation.behaviours.kinds import Behaviour, Cells, Direction, Example, Invariance, Must
from tunewright.evaluation.behaviours.swaps import Words, read_swaps, swap_text
from tunewright.planfile import show

MOST_CASES = 200
Ints = np.ndarray[Any, np.dtype[np.int64]]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Cases:
    """m questions, each before and after a change.

    Args:
        before: (m rows) as they are.
        after: (m rows) changed; None for must-have answers.
        rows: (m,) place of the row among the data's, −1 for an example of the file.
        shown: the columns to show of a case: those that change or, where nothing does, those that were asked with.
    """

    before: pl.DataFrame
    after: pl.DataFrame | None
    rows: Ints
    shown: tuple[str, ...]


def make_cases(behaviour: Behaviour, rows: pl.DataFrame, holds: pl.Series | None, texts: Sequence[str]) -> Cases:
    """The cases of a behaviour, those that its change leaves as they were left out.

    Args:
        behaviour: checked.
        rows: raw rows of the data, for their columns and for `apply_to`.
        holds: rows for which `apply_to` holds; None without one.
        texts: the text columns that the model reads.

    Raises:
        PlanError: a cell that cannot be written into a column of the data.
    """
    asked = _examples(behaviour, rows, texts)
    if isinstance(behaviour, Must):
        named = dict.fromkeys(name for e in behaviour.examples for name in _named(e, texts))
        return Cases(before=asked, after=None, rows=np.full(asked.height, -1), shown=tuple(named))
    changes = _changes(behaviour, texts)
    chosen = _chosen(behaviour, rows, holds, texts, most=max(1, MOST_CASES // len(changes)))
    before = pl.concat([asked, rows[chosen]])
    origin = np.concatenate([np.full(asked.height, -1), chosen])
    columns = tuple(dict.fromkeys(name for change in changes for name in change.columns))
    after = pl.concat([change.apply(before) for change in changes])
    before, origin = pl.concat([before] * len(changes)), np.tile(origin, len(changes))
    differs = pl.Series(np.zeros(before.height, bool))
    for name in columns:
        differs |= before[name].ne_missing(after[name])
    return Cases(
        before=before.filter(differs), after=after.filter(differs), rows=origin[differs.to_numpy()], shown=columns
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """One way to change rows: words swapped or a text added in some columns, or cells set."""

    columns: tuple[str, ...]
    words: Words | None = None
    add: str | None = None
    cells: Cells | None = None

    def apply(self, rows: pl.DataFrame) -> pl.DataFrame:
        return rows.with_columns(self._changed(rows[name]) for name in self.columns)

    def _changed(self, values: pl.Series) -> pl.Series:
        if self.cells is not None:
            cell = _cell(self.cells[values.name], values)
            return pl.Series(values.name, [cell] * len(values), dtype=values.dtype)
        texts = values.cast(pl.String).to_list()
        words, add = self.words, self.add
        if words is not None:
            texts = [None if text is None else swap_text(text, words) for text in texts]
        else:
            texts = [add if not text else f"{text} {add}" for text in texts]
        return pl.Series(values.name, texts, dtype=pl.String).cast(values.dtype)


def _changes(behaviour: Invariance | Direction, texts: Sequence[str]) -> list[_Change]:
    if behaviour.set:
        return [_Change(columns=tuple(behaviour.set), cells=behaviour.set)]
    columns = (behaviour.column,) if behaviour.column is not None else tuple(texts)
    if isinstance(behaviour, Direction):
        return [_Change(columns=columns, add=behaviour.add)]
    return [_Change(columns=columns, words=words) for words in read_swaps(behaviour.swaps)]


def _chosen(
    behaviour: Invariance | Direction, rows: pl.DataFrame, holds: pl.Series | None, texts: Sequence[str], *, most: int
) -> Ints:
    """Rows to try, evenly over those for which the condition holds and which the change would change."""
    if holds is None:
        return np.zeros(0, np.int64)
    if behaviour.set:
        changed = pl.any_horizontal(
            pl.col(name).ne_missing(pl.lit(_cell(cell, rows[name]), dtype=rows.schema[name]))
            for name, cell in behaviour.set.items()
        )
        holds = holds & rows.select(changed).to_series()
    elif isinstance(behaviour, Invariance):
        columns = (behaviour.column,) if behaviour.column is not None else tuple(texts)
        words = dict.fromkeys(word for one in read_swaps(behaviour.swaps) for word in one)
        found = rf"(?i)(?:^|\W)(?:{'|'.join(map(pl.escape_regex, words))})(?:\W|$)"
        has = rows.select(pl.any_horizontal(pl.col(columns).cast(pl.String).str.contains(found)))
        holds = holds & has.to_series().fill_null(False)
    places = np.flatnonzero(holds.to_numpy())
    return places[np.unique(np.linspace(0, len(places) - 1, min(most, len(places))).round().astype(np.int64))]


def _examples(behaviour: Behaviour, rows: pl.DataFrame, texts: Sequence[str]) -> pl.DataFrame:
    """Examples as rows of the data; what they do not name is missing."""
    cells = [_named(example, texts) for example in behaviour.examples]
    return pl.DataFrame(
        [
            pl.Series(name, [_cell(one.get(name), rows[name]) for one in cells], dtype=dtype)
            for name, dtype in rows.schema.items()
        ]
    )


def _named(example: Example, texts: Sequence[str]) -> Cells:
    return {texts[0]: example} if isinstance(example, str) else example


def _cell(text: str | None, column: pl.Series) -> Any:
    """A cell written as text, in the type of its column."""
    if text is None or column.dtype == pl.String:
        return text
    value = _converted(text, column.dtype)
    if value is None:
        raise PlanError(
            f"A cell of a behaviour must fit its column. Got {show(text)} for {column.name!r}, which holds "
            f"{column.dtype}. Write it as the data does."
        )
    return value


def _converted(text: str, dtype: pl.DataType) -> Any:
    if dtype == pl.Boolean:
        return {"true": True, "false": False}.get(text.lower())
    written = pl.Series([text])
    try:
        if dtype.is_temporal():
            written = written.str.to_datetime(strict=False)
        return written.cast(dtype, strict=False)[0]
    except pl.exceptions.PolarsError:
        return None
