"""Model against model on the same rows: overall, in slices, and what it would take to see a difference."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

import numpy as np

from tunewright.errors import DataError
from tunewright.evaluation.answers import FEWEST_ROWS, Answers, align, within
from tunewright.metrics import Outcome, difference, metric, scores
from tunewright.records import Compared, ComparedSlice, Comparison, Score
from tunewright.stats import holm, rounded

Array = np.ndarray[Any, np.dtype[Any]]
LEVEL = 0.05
# Two-sided 5 % and 80 % power, in standard errors: 1.960 + 0.842.
REACH = 2.802


def compare_answers(
    a: Answers, b: Answers, *, metric_name: str, names: tuple[str, str], tried: int = 1, seed: int = 0
) -> Compared:
    """Compare two models on the rows that both answered.

    The whole is judged as `difference` does, with a p-value that allows for the comparisons these rows have served for
    before; a protected slice that got worse takes a "better" back. Slices that nobody protected are looked at with
    Holm's correction.

    Args:
        a: answers of one.
        b: of the other.
        metric_name: that decides.
        names: what to call the two.
        tried: comparisons that the rows have served for, this one included.
        seed: of the bootstraps.

    Raises:
        DataError: no common rows, other tasks, or a metric that is undefined on these rows.
        PlanError: a metric that does not fit the task.
    """
    rows = (len(a.keys), len(b.keys))
    a, b = align(a, b)
    found = difference(metric_name, a.outcome, b.outcome, names=names, seed=seed)
    assert found.p_value is not None
    adjusted = min(1.0, found.p_value * tried)
    slices = _slices(a, b, found.metric, seed)
    verdict = found.verdict if adjusted <= LEVEL else "no evidence"
    broken = [one.condition for one in slices if one.protected and one.verdict == "worse"]
    verdict = "no evidence" if verdict == "better" and broken else verdict
    both = tuple(scores(outcome, seed=seed) for outcome in (a.outcome, b.outcome))
    compared = Compared(
        metric=found.metric,
        a=names[0],
        b=names[1],
        rows=a.outcome.rows,
        left_out=sum(rows) - 2 * a.outcome.rows,
        scores={name: (both[0][name], both[1][name]) for name in both[0] if name in both[1]},
        difference=found.difference,
        p_value=found.p_value,
        tried=tried,
        p_adjusted=adjusted,
        verdict=verdict,
        text="",
        rows_needed=rows_needed(found.difference),
        slices=slices,
    )
    return replace(compared, text=_text(compared, broken))


def rows_needed(found: Score) -> int | None:
    """Rows that would show a difference of this size at 80 % power and the 5 % level; None where it is zero.

    The standard error is read off the interval and shrinks with the root of the rows: n (2.80 se / difference)².

    >>> rows_needed(Score(value=0.01, low=-0.0096, high=0.0296, n=1000))
    7852
    """
    error = (found.high - found.low) / (2 * 1.96)
    if not found.value or not error:
        return None
    return math.ceil(found.n * (REACH * error / found.value) ** 2 - 1e-9)


def _slices(a: Answers, b: Answers, metric_name: str, seed: int) -> tuple[ComparedSlice, ...]:
    """Protected slices, then frequent values of categories and the true classes, worst first within each."""
    masks = {**a.slices, **_classes(a)}
    found = {name: _within(name, mask, a, b, metric_name, seed) for name, mask in masks.items()}
    open_ones = [name for name, one in found.items() if one[1] is not None and name not in a.protected]
    corrected = dict(zip(open_ones, holm([_p(found[name][1]) for name in open_ones]).tolist(), strict=True))
    made = [_finished(*found[name], corrected.get(name), protected=name in a.protected) for name in found]
    order = {"worse": 0, "better": 1, "no evidence": 2, "too few to tell": 3}
    return tuple(sorted(made, key=lambda one: (not one.protected, order[one.verdict], one.condition)))


def _p(comparison: Comparison | None) -> float:
    return 1.0 if comparison is None or comparison.p_value is None else comparison.p_value


def _classes(a: Answers) -> Mapping[str, Array]:
    """Rows of each true class that has enough of them; several labels a row and values have none."""
    if a.outcome.task not in ("binary", "multiclass"):
        return {}
    masks = {f"label is {name}": a.outcome.truth == number for number, name in enumerate(a.names)}
    return {name: mask for name, mask in masks.items() if mask.sum() >= FEWEST_ROWS}


def _within(
    name: str, mask: Array, a: Answers, b: Answers, metric_name: str, seed: int
) -> tuple[ComparedSlice, Comparison | None]:
    rows = int(mask.sum())
    empty = ComparedSlice(
        condition=name, rows=rows, protected=False, metric=metric_name, verdict="too few to tell", difference=None
    )
    if rows < FEWEST_ROWS:
        return empty, None
    inside, other = within(a, mask), within(b, mask)
    for used in (metric_name, "mean_absolute_error" if inside.task == "regression" else "accuracy"):
        if _defined(used, inside, other):
            found = difference(used, inside, other, seed=seed)
            return replace(empty, metric=found.metric, difference=found.difference), found
    return empty, None


def _defined(name: str, *outcomes: Outcome) -> bool:
    """Whether a metric says something there: in rows of one class macro averages and AUC do not."""
    one_class = outcomes[0].task in ("binary", "multiclass") and len(np.unique(outcomes[0].truth)) == 1
    if one_class and metric(name).name != "accuracy":
        return False
    try:
        return all(metric(name).value(outcome) is not None for outcome in outcomes)
    except DataError:
        return False


def _finished(
    line: ComparedSlice, found: Comparison | None, corrected: float | None, *, protected: bool
) -> ComparedSlice:
    if found is None:
        return replace(line, protected=protected)
    gap = found.difference
    sided: Literal["better", "worse", "no evidence"] = (
        "worse" if gap.high < 0 else "better" if gap.low > 0 else "no evidence"
    )
    if protected:
        return replace(line, protected=True, verdict=sided, p_value=found.p_value)
    shown = corrected is not None and corrected <= LEVEL
    return replace(line, verdict=found.verdict if shown else "no evidence", p_value=corrected)


def _text(one: Compared, broken: list[str]) -> str:
    said = {
        "better": f"{one.a} is better than {one.b}",
        "worse": f"{one.a} is worse than {one.b}",
        "no evidence": f"There is no evidence that {one.a} and {one.b} differ",
    }[one.verdict]
    if broken:
        said = f"{one.a} is not called better than {one.b}: it got worse where {', and where '.join(broken)}"
    left, right = one.scores[one.metric]
    p = one.p_adjusted
    text = (
        f"{said}: {one.metric} {rounded(left)} against {rounded(right)} on the same rows, a difference of "
        f"{rounded(one.difference, beside=0.0)}, p {'< 0.001' if p < 0.001 else f'= {p:.3f}'}"
    )
    if one.tried > 1:
        text += f" after correction for {one.tried} comparisons on these rows"
    if one.verdict == "no evidence" and one.rows_needed is not None and one.rows_needed > one.rows:
        text += f". A difference of this size would take about {_about(one.rows_needed)} rows to show"
    return f"{text}."


def _about(rows: int) -> str:
    """Two significant digits: the size of the difference is not known better."""
    digits = max(len(str(rows)) - 2, 0)
    return f"{round(rows, -digits):,}"
