"""The nearest training rows that agree with an answer, and those that do not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import polars as pl

from tunewright.bundle.model import FittedModel
from tunewright.explain.asking import Asker
from tunewright.explain.cases import Case, texts_of
from tunewright.records import Neighbour
from tunewright.tasks import Multilabel, Regression

Array = np.ndarray[Any, np.dtype[Any]]
MOST = 2000  # rows that are encoded to look among
EACH = 3  # that agree, and as many that do not
LONGEST = 120


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pool:
    """Rows to look for neighbours in.

    Args:
        typed: the rows.
        rows: (n,) their zero-based numbers in the file.
        vectors: (n, F) what the model's head sees of them, of unit length.
        examples: whether their text may be shown.
        notes: where they come from.
    """

    typed: pl.DataFrame
    rows: Array
    vectors: Array
    examples: bool
    notes: tuple[str, ...] = ()


def make_pool(
    asker: Asker, typed: pl.DataFrame, rows: Sequence[int], *, examples: bool, where: str, seed: int = 0
) -> Pool | None:
    """Encode labelled rows, 2,000 drawn at random where there are more; None where no row has a label.

    Args:
        asker: the model.
        typed: rows with the target column.
        rows: their numbers in the file.
        examples: whether their text may be shown.
        where: what they are, in words.
        seed: of the draw.
    """
    table = asker.model.preprocessor.table
    labelled = np.flatnonzero(typed[table.target].is_not_null().to_numpy())
    if not len(labelled):
        return None
    kept, notes = labelled, [f"Neighbours are looked for among {len(labelled):,} {where}."]
    if len(labelled) > MOST:
        kept = np.sort(np.random.default_rng(seed).choice(labelled, MOST, replace=False))
        notes = [f"Neighbours are looked for among {MOST:,} of the {len(labelled):,} {where}, drawn at random."]
    some = typed[kept.tolist()]
    vectors = _unit(asker.features(asker.model.preprocessor.compose(some), some))
    return Pool(typed=some, rows=np.asarray(rows)[kept], vectors=vectors, examples=examples, notes=tuple(notes))


def nearest(asker: Asker, pool: Pool, cases: Sequence[Case], predictions: Sequence[Any]) -> list[tuple[Neighbour, ...]]:
    """For each case the most similar rows that carry its answer, then those that do not, by cosine."""
    texts = texts_of(asker.model, [case.cells for case in cases])
    own = _unit(asker.features(texts, pl.concat([case.typed for case in cases])))
    similar = own @ pool.vectors.T
    agrees = _agreement(asker.model, pool)
    found = []
    for row, said in zip(similar, predictions, strict=True):
        same = agrees(said)
        order = np.argsort(-row, kind="stable")
        chosen = [*order[same[order]][:EACH], *order[~same[order]][:EACH]]
        found.append(tuple(_neighbour(asker.model, pool, int(at), float(row[at]), bool(same[at])) for at in chosen))
    return found


def _agreement(model: FittedModel, pool: Pool) -> Callable[[Any], Array]:
    """From an answer to (n,) whether each row's label is it; a number agrees within the prediction interval."""
    cells = pool.typed[model.preprocessor.table.target]
    task = model.task
    if isinstance(task, Regression):
        width, values = model.decision.half_width or task.scale / 2, cells.to_numpy()
        return lambda said: np.abs(values - float(said)) <= width
    if isinstance(task, Multilabel):
        sets = [frozenset(labels) for labels in cells.to_list()]
        return lambda said: np.array([one == frozenset(said.split("|") if said else ()) for one in sets])
    labels = np.array(cells.cast(pl.String).to_list(), object)
    return lambda said: np.asarray(labels == said, bool)


def _neighbour(model: FittedModel, pool: Pool, at: int, similarity: float, agrees: bool) -> Neighbour:
    table = model.preprocessor.table
    shown = [column.name for column in table.columns if column.role == "feature"] if pool.examples else []
    return Neighbour(
        row=int(pool.rows[at]),
        label=cell_text(pool.typed[table.target][at]),
        similarity=round(min(max(similarity, -1.0), 1.0), 4),
        agrees=agrees,
        cells={name: cell_text(pool.typed[name][at]) for name in shown},
    )


def cell_text(cell: Any) -> str:
    """A cell as it is shown: several labels joined, a number short, a text cut."""
    if cell is None:
        return ""
    if isinstance(cell, list | pl.Series):
        return "|".join(str(part) for part in cell)
    text = f"{cell:.6g}" if isinstance(cell, float) else str(cell)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"


def _unit(vectors: Array) -> Array:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12))
