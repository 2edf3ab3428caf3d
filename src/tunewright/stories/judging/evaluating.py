"""`evaluate`: a bundle scored on labelled rows, and tried on what the expert asks of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from tunewright.data import read
from tunewright.metrics import scores
from tunewright.records import Robustness, Score
from tunewright.seal import count_look

if TYPE_CHECKING:
    from tunewright.bundle.predictor import Predictor
    from tunewright.evaluation.behaviours import Behaviour, BehaviourResult

Array = np.ndarray[Any, np.dtype[Any]]
FEWEST_ROWS = 20
SOURCE = "The bundle's behaviours.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """What a bundle is worth on given rows.

    Args:
        scores: by metric, on all labelled rows.
        behaviours: what became of each; none where nobody asked for any.
        seen: how many of the labelled rows the model learned from or was chosen on: on those a score flatters.
        unseen: the scores without those rows; None where there are none, or fewer than 20 others.
        looks: how many models have been scored on this very content, this one included.
        robustness: what damage does to rows that the model has not seen, or to all where it knows nearly all of them;
            None where nobody asked, or with fewer than 20 rows.
    """

    scores: dict[str, Score]
    behaviours: tuple[BehaviourResult, ...] = ()
    seen: int = 0
    unseen: dict[str, Score] | None = None
    looks: int = 1
    robustness: Robustness | None = None


def evaluate_bundle(
    predictor: Predictor,
    data: Any,
    *,
    tests: Path | None = None,
    by: str | None = None,
    robustness: str | None = None,
) -> Evaluated:
    """Score a bundle on labelled rows, and try its behaviours.

    Args:
        predictor: of the bundle.
        data: rows with the target, as for `Predictor.evaluate`; `apply_to` chooses among all of them.
        tests: a behaviours file in place of those that the bundle holds.
        by: what names the bundle in the ledger of looks; None does not count this look.
        robustness: the metric whose fall on damaged rows is measured, as part of the same look; None damages none.

    Raises:
        DataError: no target column, or no labelled row.
        PlanError: behaviours that do not fit the bundle; all of them at once, before anything is computed.
    """
    raw = read(data).frame
    behaviours, examples = _behaviours(predictor, tests)
    if behaviours:
        _check(behaviours, predictor, raw)
    outcome = predictor.outcome_of(predictor.model.preprocessor.conform(raw, require_target=True))
    usable = _labelled(predictor, raw)
    labelled = raw.filter(usable)
    seen = predictor.has_seen(labelled)
    others = np.flatnonzero(~seen)
    known = seen.any() and len(others) >= FEWEST_ROWS
    damaged = others if known else np.arange(labelled.height)
    return Evaluated(
        scores=scores(outcome),
        behaviours=_tried(behaviours, predictor, raw, examples=examples),
        seen=int(seen.sum()),
        unseen=scores(outcome.take(others)) if known else None,
        looks=1 if by is None else count_look(labelled, by=by),
        robustness=_damaged(predictor, raw, np.flatnonzero(usable.to_numpy())[damaged], robustness),
    )


def _damaged(predictor: Predictor, raw: pl.DataFrame, rows: Array, metric: str | None) -> Robustness | None:
    """What damage does to some labelled rows, given by their numbers in the file."""
    from tunewright.stories.judging.damaging import damage_given

    if metric is None:
        return None
    typed = predictor.model.preprocessor.conform(raw[rows.tolist()], require_target=True)
    found = damage_given(predictor.model, typed, rows, metric=metric)
    return None if found is None else found.robustness


def _labelled(predictor: Predictor, raw: pl.DataFrame) -> pl.Series:
    """Rows with a target that the bundle can read, as `outcome_of` keeps them."""
    preprocessor = predictor.model.preprocessor
    return preprocessor.conform(raw, require_target=True)[preprocessor.table.target].is_not_null()


def _behaviours(predictor: Predictor, tests: Path | None) -> tuple[Sequence[Behaviour], bool]:
    """What to try, and whether texts of rows may be shown: given by hand, they may."""
    from tunewright.evaluation.behaviours import behaviours_from_json, read_behaviours

    if tests is not None:
        return read_behaviours(tests), True
    held = predictor.behaviours
    if held is None:
        return (), True
    known = held if isinstance(held, Mapping) else {}
    return behaviours_from_json(known.get("behaviours"), source=SOURCE), known.get("examples") is True


def _check(behaviours: Sequence[Behaviour], predictor: Predictor, raw: pl.DataFrame) -> None:
    from tunewright.evaluation.behaviours import check_behaviours

    model = predictor.model
    typed = model.preprocessor.conform(raw, require_target=True).schema
    check_behaviours(behaviours, table=model.preprocessor.table, labels=model.task.labels, typed=typed)


def _tried(
    behaviours: Sequence[Behaviour], predictor: Predictor, raw: pl.DataFrame, *, examples: bool
) -> tuple[BehaviourResult, ...]:
    from tunewright.evaluation.behaviours import run_behaviours, without_rows

    if not behaviours:
        return ()
    preprocessor = predictor.model.preprocessor
    results = run_behaviours(behaviours, predictor.predict, raw, table=preprocessor.table, cast=preprocessor.conform)
    return results if examples else without_rows(results)
