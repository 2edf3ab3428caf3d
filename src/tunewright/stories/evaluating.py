"""`evaluate`: a bundle scored on labelled rows, and tried on what the expert asks of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from tunewright.data import read
from tunewright.records import Score

if TYPE_CHECKING:
    from tunewright.bundle.predictor import Predictor
    from tunewright.evaluation.behaviours import Behaviour, BehaviourResult

SOURCE = "The bundle's behaviours.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluated:
    """Scores by metric, and what became of each behaviour; none where nobody asked for any."""

    scores: dict[str, Score]
    behaviours: tuple[BehaviourResult, ...] = ()


def evaluate_bundle(predictor: Predictor, data: Any, *, tests: Path | None = None) -> Evaluated:
    """Score a bundle on labelled rows, and try its behaviours.

    Args:
        predictor: of the bundle.
        data: rows with the target, as for `Predictor.evaluate`; `apply_to` chooses among all of them.
        tests: a behaviours file in place of those that the bundle holds.

    Raises:
        DataError: no target column, or no labelled row.
        PlanError: behaviours that do not fit the bundle; all of them at once, before anything is computed.
    """
    raw = read(data).frame
    behaviours, examples = _behaviours(predictor, tests)
    if behaviours:
        _check(behaviours, predictor, raw)
    scores = predictor.evaluate(raw)
    return Evaluated(scores=scores, behaviours=_tried(behaviours, predictor, raw, examples=examples))


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
