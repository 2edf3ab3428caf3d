"""Which rows to label next: given unlabelled rows, a model and a budget."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tunewright.data import fingerprint, row_keys
from tunewright.data.expressions import parse
from tunewright.errors import DataError, PlanError
from tunewright.living.alike import Alike, SameCells, SameTexts
from tunewright.living.doubts import Answered, answer
from tunewright.living.picking import Picked, Picker, considered, shares
from tunewright.records import Choice, ChosenRow, Table
from tunewright.splits.shingles import normalise
from tunewright.tasks import Regression

if TYPE_CHECKING:
    from tunewright.bundle.predictor import Predictor
    from tunewright.bundle.preprocessor import Preprocessor

Array = np.ndarray[Any, np.dtype[Any]]


def choose_rows(
    predictor: Predictor,
    raw: pl.DataFrame,
    *,
    budget: int,
    labelled: pl.DataFrame | None = None,
    slices: Sequence[str] = (),
    seed: int = 0,
) -> Choice:
    """Choose rows whose labels would teach a model most.

    Rows that the model has learned from, that have a label, that hold nothing, or that nearly repeat a labelled or a
    chosen one are passed over. Slices of errors are gone through first, for half of the budget; `picking` says how the
    rows are picked.

    Cost: encoding the rows once; then at most 50 million distances of K outputs + F features each: of more rows only
    the least sure take part.

    Args:
        predictor: the model.
        raw: rows as they were read; the target column may be there, and rows that have a value in it are labelled.
        budget: how many to choose.
        labelled: further rows that have a label; rows that repeat them are passed over, and for a regression rows far
            from them are preferred.
        slices: conditions of rows in which the model errs more than elsewhere.
        seed: of the draws; the same rows, model and seed give the same choice.

    Raises:
        PlanError: a budget below 1.
        DataError: a feature column is missing, or no row is left to choose from: all have a label or repeat one.
    """
    if budget < 1:
        raise PlanError(f"A budget must be 1 row or more. Got {budget}. Say how many rows can be labelled.")
    preprocessor = predictor.model.preprocessor
    typed = preprocessor.conform(raw)
    told, blank = _labelled(predictor, raw, typed), _blank(typed, preprocessor.table)
    free = np.flatnonzero(~told & ~blank)
    if not len(free):
        raise DataError(
            f"Choosing needs rows without a label. Of {raw.height} rows {int(told.sum())} have one or were learned "
            f"from, {int((blank & ~told).sum())} hold nothing the model reads. Give others."
        )
    answered = answer(predictor.model, typed[free.tolist()])
    kept = considered(answered.doubts, budget, seed=seed)
    pool = _Pool(typed[free[kept].tolist()], answered.take(kept), free[kept])
    # What has a label in this very file is known as well, and its repeats are passed over, too.
    known = _known(preprocessor, typed.filter(told), labelled)
    picker = _picker(predictor, pool, known, seed=seed)
    masks = _masks(slices, pool.typed)
    picked: list[Picked] = []
    for number, part in enumerate(shares(budget, [int(mask.sum()) for mask in masks.values()])):
        picked += picker.pick(part, among=list(masks.values())[number], slice_number=number)
    picked += picker.pick(budget - len(picked))
    if not picked:
        raise DataError(
            f"Choosing needs rows that repeat none with a label. All {len(free):,} rows without one do. Give others."
        )
    return Choice(
        rows=_chosen(picked, pool, list(masks), regression=isinstance(predictor.model.task, Regression)),
        asked=budget,
        pool=raw.height,
        labelled=int(told.sum()),
        blank=int((blank & ~told).sum()),
        repeats=picker.repeats,
        considered=len(kept),
        slices=tuple(masks),
        seed=seed,
        data=fingerprint(raw),
        text=_text(picked, budget, raw.height, repeats=picker.repeats, slices=len(masks)),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Pool:
    """Rows that may be chosen: typed, what the model makes of them, their numbers in the file."""

    typed: pl.DataFrame
    answered: Answered
    rows: Array


def _labelled(predictor: Predictor, raw: pl.DataFrame, typed: pl.DataFrame) -> Array:
    """(n,) rows that the model has seen, or that have a value in the target column."""
    seen = predictor.has_seen(raw)
    target = predictor.model.preprocessor.table.target
    given = typed[target].is_not_null().to_numpy() if target in typed.columns else np.zeros(raw.height, bool)
    return np.asarray(seen | given)


def _blank(typed: pl.DataFrame, table: Table) -> Array:
    names = [column.name for column in table.columns if column.role == "feature" and column.name in typed.columns]
    return typed.select(pl.all_horizontal(pl.col(name).is_null() for name in names)).to_series().to_numpy()


def _known(preprocessor: Preprocessor, seen: pl.DataFrame, labelled: pl.DataFrame | None) -> pl.DataFrame:
    """All rows with a label, by the columns that the model reads."""
    names = [column.name for column in preprocessor.table.columns if column.role == "feature"]
    parts = [seen.select(names)]
    if labelled is not None:
        parts.append(preprocessor.conform(labelled).select(names))
    return pl.concat(parts)


def _picker(predictor: Predictor, pool: _Pool, known: pl.DataFrame, *, seed: int) -> Picker:
    preprocessor = predictor.model.preprocessor
    names = known.columns
    both = pl.concat([pool.typed.select(names), known])
    alike: Alike
    keys: Sequence[str | bytes]
    if preprocessor.texts:
        texts = [normalise("\n".join(one)) for one in zip(*preprocessor.compose(both), strict=True)]
        alike, keys = SameTexts.of(texts), texts
    else:
        cells = row_keys(both, names)
        alike, keys = SameCells(cells), [row.tobytes() for row in cells]
    near = None
    if isinstance(predictor.model.task, Regression) and known.height:
        near = _nearest(pool.answered.x, answer(predictor.model, known).x)
    taken = {key for key in keys[pool.typed.height :] if key}
    closed = np.array([key in taken for key in keys[: pool.typed.height]], bool)
    return Picker(pool.answered, alike, labelled=known.height, closed=closed, near=near, seed=seed)


def _nearest(x: Array, to: Array, *, block: int = 1024) -> Array:
    """(n,) squared distance of each row of unit length to the nearest of others, a block of rows at a time."""
    parts = [2 - 2 * (x[start : start + block] @ to.T).max(1) for start in range(0, len(x), block)]
    return np.asarray(np.maximum(np.concatenate(parts), 0.0))


def _masks(slices: Sequence[str], typed: pl.DataFrame) -> Mapping[str, Array]:
    """(n,) rows by condition, of the conditions that these columns can answer and some row meets."""
    masks = {}
    for condition in slices:
        try:
            mask = parse(condition).holds(typed).to_numpy()
        except PlanError:  # of a column that the model does not read
            continue
        if mask.any():
            masks[condition] = mask
    return masks


def _chosen(
    picked: Sequence[Picked], pool: _Pool, conditions: Sequence[str], *, regression: bool
) -> tuple[ChosenRow, ...]:
    rows = []
    for place, one in enumerate(picked, start=1):
        condition = None if one.slice is None else conditions[one.slice]
        why = "unlike the rows before it" if regression else f"doubt {one.doubt:.2f}"
        if condition is not None:
            why += f"; in a slice of errors: {condition}"
        rows.append(
            ChosenRow(row=int(pool.rows[one.row]), doubt=round(one.doubt, 6), place=place, slice=condition, why=why)
        )
    return tuple(rows)


def _text(picked: Sequence[Picked], budget: int, pool: int, *, repeats: int, slices: int) -> str:
    said = [f"{len(picked):,} of {pool:,} rows are chosen to be labelled."]
    if slices:
        inside = sum(one.slice is not None for one in picked)
        said.append(f"{inside:,} of them are from {slices} slice{'' if slices == 1 else 's'} of errors.")
    if repeats:
        said.append(f"{repeats:,} were passed over because they nearly repeat another.")
    if len(picked) < budget:
        said.append(f"{budget:,} were asked for: no other row would add anything.")
    return " ".join(said)
