"""Ask a model about the cases of all behaviours at once, and judge its answers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import polars as pl

from tunewright.data.expressions import parse
from tunewright.evaluation.behaviours.cases import Cases, make_cases
from tunewright.evaluation.behaviours.checking import text_columns
from tunewright.evaluation.behaviours.judging import Answers, Judged, judge_direction, judge_invariance, judge_must
from tunewright.evaluation.behaviours.kinds import Behaviour, Invariance, Must
from tunewright.evaluation.behaviours.results import BehaviourFailure, BehaviourResult, differing
from tunewright.records import Table

MOST_SHOWN = 3
Frame = pl.DataFrame


def run_behaviours(
    behaviours: Sequence[Behaviour],
    predict: Callable[[Frame], Frame],
    rows: Frame,
    *,
    table: Table,
    cast: Callable[[Frame], Frame],
) -> tuple[BehaviourResult, ...]:
    """Try every behaviour; the model is asked once, about all cases together.

    Cost: one look at the rows per `apply_to`, and at most 400 predictions per behaviour besides its examples.

    Args:
        behaviours: as read, and checked against this data.
        predict: raw rows to answers, as `Predictor.predict` gives them.
        rows: raw rows, as `read` gives them, that `apply_to` may choose from; their columns are those of the data.
        table: columns and task.
        cast: raw rows to typed ones, for the conditions of `apply_to`: `Preprocessor.conform`.

    Raises:
        PlanError: a cell or a condition that does not fit the data.
    """
    texts = text_columns(table)
    conditional = any(not isinstance(b, Must) and b.apply_to is not None for b in behaviours)
    typed = cast(rows) if conditional and rows.height else None
    posed = [make_cases(behaviour, rows, _holding(behaviour, typed), texts) for behaviour in behaviours]
    frames = [frame for cases in posed for frame in (cases.before, cases.after) if frame is not None and frame.height]
    answers = predict(pl.concat(frames)) if frames else pl.DataFrame()
    results, at = [], 0
    for behaviour, cases in zip(behaviours, posed, strict=True):
        count = cases.before.height
        before, after = (Answers(answers[start : start + count], table.task) for start in (at, at + count))
        at += count if cases.after is None else 2 * count
        results.append(_result(behaviour, cases, before, after))
    return tuple(results)


def _holding(behaviour: Behaviour, typed: Frame | None) -> pl.Series | None:
    if isinstance(behaviour, Must) or behaviour.apply_to is None or typed is None:
        return None
    return parse(behaviour.apply_to).holds(typed)


def _result(behaviour: Behaviour, cases: Cases, before: Answers, after: Answers) -> BehaviourResult:
    tested = cases.before.height
    if not tested:
        text = "Not tested: no example and no row has what would be changed."
        return BehaviourResult(
            name=behaviour.name, kind=behaviour.kind, verdict="not tested", tested=0, failed=0, text=text
        )
    judged = _judged(behaviour, before, after)
    failed = np.flatnonzero(judged.off > 0)
    worst = failed[np.argsort(-judged.off[failed], kind="stable")][:MOST_SHOWN]
    passed = tested - len(failed) >= behaviour.share * tested - 1e-9
    needed = f", and {behaviour.share:.0%} have to" if behaviour.share < 1 else ""
    return BehaviourResult(
        name=behaviour.name,
        kind=behaviour.kind,
        verdict="passed" if passed else "failed",
        tested=tested,
        failed=len(failed),
        text=f"{'Passed' if passed else 'Failed'}: {tested - len(failed)} of {tested} cases pass{needed}.",
        failures=tuple(_failure(cases, int(place), judged.said(int(place))) for place in worst),
    )


def _judged(behaviour: Behaviour, before: Answers, after: Answers) -> Judged:
    if isinstance(behaviour, Must):
        return judge_must(behaviour, before)
    if isinstance(behaviour, Invariance):
        return judge_invariance(behaviour, before, after)
    return judge_direction(behaviour, before, after)


def _failure(cases: Cases, place: int, said: str) -> BehaviourFailure:
    old = {name: cases.before[name][place] for name in cases.shown}
    new = None if cases.after is None else {name: cases.after[name][place] for name in cases.shown}
    before, after = differing(old, new)
    row = int(cases.rows[place])
    return BehaviourFailure(before=before, after=after, said=said, row=row if row >= 0 else None)
