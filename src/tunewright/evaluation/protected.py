"""Slices that must not get worse: where a new model is compared with another, slice by slice, on the same rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from tunewright.data.expressions import Expression, parse
from tunewright.data.wording import agreeing
from tunewright.errors import DataError, PlanError
from tunewright.metrics import Outcome, difference, score
from tunewright.planfile import Problem, plan_error
from tunewright.records import Score
from tunewright.stats import rounded

if TYPE_CHECKING:
    import polars as pl

FEWEST_ROWS = 20
SliceVerdict = Literal["worse", "better", "no evidence", "too few to tell"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectedSlice:
    """What became of one protected slice.

    Args:
        condition: which rows, as the plan says it.
        rows: how many they are.
        metric: the metric asked for, or one that is defined on every slice where that is not.
        verdict: "worse" if the interval of the difference lies below zero.
        text: the same as a sentence.
        a: score of the new model there; None with fewer than 20 rows, as the next two.
        b: score of the other.
        difference: paired, positive where the new model is better.
    """

    schema: ClassVar[int] = 1
    condition: str
    rows: int
    metric: str
    verdict: SliceVerdict
    text: str
    a: Score | None = None
    b: Score | None = None
    difference: Score | None = None


def read_slices(
    conditions: Sequence[str], schema: Mapping[str, pl.DataType], *, path: str = "knowledge.protect"
) -> tuple[Expression, ...]:
    """Read conditions and check them against the columns of the data.

    Raises:
        PlanError: lists every condition that cannot be read, names no column, or is not true or false.

    >>> import polars as pl
    >>> [c.columns for c in read_slices(["channel == 'phone'"], {"channel": pl.String()})]
    [('channel',)]
    """
    read: list[Expression] = []
    problems: list[Problem] = []
    for place, text in enumerate(conditions):
        try:
            read.append(parse(text))
            read[-1].check_condition(schema)
        except PlanError as error:
            problems.append(Problem(path=f"{path}[{place}]", text=str(error)))
    if problems:
        raise plan_error(problems)
    return tuple(read)


def judge_slices(
    conditions: Sequence[Expression],
    rows: pl.DataFrame,
    a: Outcome,
    b: Outcome,
    *,
    metric: str,
    names: tuple[str, str] = ("the new model", "the old one"),
    seed: int = 0,
) -> tuple[ProtectedSlice, ...]:
    """Compare two models on each slice.

    A guard must not sleep: "worse" asks only for an interval below zero, not for the six differing rows of a claim.
    Slices may overlap; rows whose condition is unknown (a missing cell) are in none.

    Args:
        conditions: as `read_slices` gives them.
        rows: the n typed rows that were predicted, in the order of the outcomes.
        a: truth and predictions of the new model.
        b: of the other, for the same rows.
        metric: any spelling of a metric of the task.
        names: what to call the two.
        seed: of the bootstrap.

    Raises:
        PlanError: a condition that does not fit the columns, a metric that does not fit the task.
        DataError: rows and outcomes do not match.

    >>> import polars as pl
    >>> truth = np.zeros(60, dtype=int)
    >>> a, b = (Outcome(task="binary", classes=2, truth=truth, labels=said) for said in (np.arange(60) % 2, truth))
    >>> rows = pl.DataFrame({"n": range(60)})
    >>> [s.verdict for s in judge_slices([parse("n < 40"), parse("n < 5")], rows, a, b, metric="accuracy")]
    ['worse', 'too few to tell']
    """
    if not rows.height == a.rows == b.rows:
        raise DataError(
            f"Slices need a row for each prediction. Got {rows.height} rows, {a.rows} and {b.rows} predictions. "
            "Hand in the rows that were predicted."
        )
    found = []
    for condition in conditions:
        inside = condition.holds(rows).to_numpy()
        found.append(_judged(condition.text, inside, (a, b), metric=metric, names=names, seed=seed))
    return tuple(found)


def _judged(
    condition: str,
    inside: NDArray[np.bool_],
    outcomes: tuple[Outcome, Outcome],
    *,
    metric: str,
    names: tuple[str, str],
    seed: int,
) -> ProtectedSlice:
    count = int(inside.sum())
    if count < FEWEST_ROWS:
        rows = agreeing(count, "row", "rows")
        text = f"Where {condition}: {count} {rows}, too few to tell; {FEWEST_ROWS} are needed."
        return ProtectedSlice(condition=condition, rows=count, metric=metric, verdict="too few to tell", text=text)
    a, b = (outcome.take(np.flatnonzero(inside)) for outcome in outcomes)
    used, left, right = _scored(metric, a, b, seed)
    gap = difference(used, a, b, names=names, seed=seed).difference
    verdict: SliceVerdict = "worse" if gap.high < 0 else "better" if gap.low > 0 else "no evidence"
    said = {"worse": "it got worse", "better": "it got better", "no evidence": "no evidence of a change"}[verdict]
    text = (
        f"Where {condition}: {used} is {rounded(left)} with {names[0]} and {rounded(right)} with {names[1]}; "
        f"the difference is {rounded(gap, beside=0.0)}: {said}."
    )
    return ProtectedSlice(
        condition=condition, rows=count, metric=used, verdict=verdict, text=text, a=left, b=right, difference=gap
    )


def _scored(metric: str, a: Outcome, b: Outcome, seed: int) -> tuple[str, Score, Score]:
    """Both scores, of the metric or, where that is undefined (AUC with one class), of one that always is defined."""
    for name in (metric, "mean_absolute_error" if a.task == "regression" else "accuracy"):
        left, right = score(name, a, seed=seed), score(name, b, seed=seed)
        if left is not None and right is not None:
            return name, left, right
    raise DataError(f"A protected slice must be scored. {metric} is not defined on its {a.rows} rows. Choose another.")
