"""What a run is for: the metric that decides, the value asked for, the limits, and whether they were met."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from tunewright.errors import PlanError
from tunewright.metrics import metric, names_for
from tunewright.records import Score, TaskKind, Verdict
from tunewright.stats import rounded

# Above these shares, accuracy mostly tells how common the most common class is.
_LARGEST_TO_SMALLEST = 3.0
_MAJORITY = 0.60
_BINARY_MINORITY = 0.25

State = Literal["met", "not shown", "missed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the model may cost.

    Args:
        latency_ms: milliseconds for one row, or None.
        size_mb: megabytes (10^6 bytes) of the bundle, or None.
    """

    latency_ms: float | None = None
    size_mb: float | None = None

    def given(self) -> dict[str, float]:
        """The limits that are set, by name.

        >>> Limits(size_mb=60).given()
        {'size_mb': 60}
        """
        both = {"latency_ms": self.latency_ms, "size_mb": self.size_mb}
        return {name: value for name, value in both.items() if value is not None}


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveOptions:
    """The plan's `objective` block.

    Args:
        metric: any spelling of a metric's name, or "auto".
        at_least: value to reach; for a loss or an error, the value to stay under. None asks for nothing.
        positive: binary: the class that precision, recall and F1 speak of.
        limits: what the model may cost.
    """

    metric: str = "auto"
    at_least: float | None = None
    positive: str | None = None
    limits: Limits = field(default_factory=Limits)


@dataclass(frozen=True, slots=True, kw_only=True)
class Objective:
    """A resolved objective: the metric by scikit-learn's name, why it, which way is better, what is asked."""

    metric: str
    why: str
    greater_is_better: bool = True
    at_least: float | None = None
    positive: str | None = None
    limits: Limits = field(default_factory=Limits)

    def better(self, a: float, b: float) -> bool:
        """Whether a is strictly better than b."""
        return a > b if self.greater_is_better else a < b


def resolve(
    options: ObjectiveOptions, *, task: TaskKind, class_counts: Mapping[str, int], pair: bool = False
) -> Objective:
    """Choose the metric where it is "auto", and check what was asked against the task.

    Args:
        options: the plan's block.
        task: what is predicted.
        class_counts: rows per class (binary, multiclass); empty otherwise.
        pair: the rows are pairs of texts.

    Raises:
        PlanError: an unknown metric, one that does not fit the task, a value that cannot be reached, a positive class
            that does not occur, a limit that is not above 0.

    >>> resolve(ObjectiveOptions(), task="multiclass", class_counts={"a": 90, "b": 5, "c": 5}).metric
    'f1_macro'
    """
    if options.metric.strip().lower() == "auto":
        name, why = _automatic(task, {label: count for label, count in class_counts.items() if count > 0}, pair)
    else:
        name, why = metric(options.metric).name, "The plan asks for it."
    chosen = metric(name)
    if task not in chosen.tasks:
        fits = ", ".join(names_for(task))
        raise PlanError(f"objective.metric must fit the task. Got {name} for {task}. Choose one of: {fits}.")
    _check_at_least(options.at_least, name)
    _check_positive(options.positive, task, class_counts)
    for limit, value in options.limits.given().items():
        if not (math.isfinite(value) and value > 0):
            raise PlanError(f"objective.limits.{limit} must be above 0. Got {value}. Leave it out to set no limit.")
    return Objective(
        metric=name,
        why=why,
        greater_is_better=chosen.greater_is_better,
        at_least=options.at_least,
        positive=options.positive,
        limits=options.limits,
    )


def verdict(
    objective: Objective,
    score: Score | None,
    *,
    limits_measured: Mapping[str, float] | None = None,
    baseline_note: str = "",
) -> Verdict:
    """Say whether the objective was met: by the interval, not by the value alone.

    Met: the interval's worse end still reaches `at_least`, and every limit is kept. Missed: its better end does not, or
    a limit is exceeded. Otherwise not shown. None: nothing was asked.

    Args:
        objective: what was asked.
        score: of the objective's metric on the test part; None where it is undefined there.
        limits_measured: what the model costs, by the names of `Limits`.
        baseline_note: a sentence on the baselines, put at the end.

    >>> o = Objective(metric="accuracy", why="", at_least=0.9)
    >>> verdict(o, Score(value=0.95, low=0.93, high=0.97, n=500)).text
    'Met: accuracy is 0.950 (0.930–0.970, n 500), and at least 0.9 was asked.'
    """
    measured = limits_measured or {}
    states: list[State] = []
    if objective.at_least is not None:
        states.append(reached(objective, score))
    for name, limit in objective.limits.given().items():
        states.append("not shown" if name not in measured else "met" if measured[name] <= limit else "missed")
    overall = next((state for state in ("missed", "not shown", "met") if state in states), None)
    text = _sentence(objective, score, measured)
    word = {"missed": "Missed: ", "not shown": "Not shown: ", "met": "Met: ", None: "No objective was set: "}[overall]
    closing = f" {baseline_note.strip()}" if baseline_note.strip() else ""
    return Verdict(objective=overall or "none", text=f"{word}{text}.{closing}")


def _automatic(task: TaskKind, counts: Mapping[str, int], pair: bool) -> tuple[str, str]:
    if task == "multilabel":
        return "f1_macro", "Several labels a row: macro F1 counts every label alike, rare ones too."
    if task == "regression":
        if pair:
            return "spearman", "Pairs are scored by how well they are ordered: Spearman's rank correlation."
        return "r2", "A number is predicted: R² is the share of its variance that is explained."
    total, largest, smallest = sum(counts.values()), max(counts.values(), default=0), min(counts.values(), default=0)
    if task == "binary":
        if total and smallest < _BINARY_MINORITY * total:
            share = f"The smaller class is {smallest / total:.1%} of the rows"
            return "f1_macro", f"{share}: always saying the other would score {largest / total:.1%} accuracy."
        return "accuracy", "The two classes are of similar size: accuracy, the share of rows that are right."
    if total and largest > _MAJORITY * total:
        return "f1_macro", f"One class is {largest / total:.0%} of the rows: macro F1 counts every class alike."
    if largest > _LARGEST_TO_SMALLEST * smallest:
        sizes = f"The largest class has {largest:,} rows, the smallest {smallest:,}"
        return "f1_macro", f"{sizes}: macro F1 counts every class alike."
    return "accuracy", "The classes are of similar size: accuracy, the share of rows that are right."


def _check_at_least(at_least: float | None, name: str) -> None:
    if at_least is None:
        return
    lowest, highest = metric(name).bounds
    below, above = lowest is not None and at_least < lowest, highest is not None and at_least > highest
    if not math.isfinite(at_least) or below or above:
        span = f"from {'−∞' if lowest is None else lowest} to {'∞' if highest is None else highest}"
        hint = f"Did you mean {at_least / 100:g}?" if above and at_least <= 100 else "Choose a value in that range."
        raise PlanError(f"objective.at_least must be a value that {name} can take, {span}. Got {at_least:g}. {hint}")


def _check_positive(positive: str | None, task: TaskKind, class_counts: Mapping[str, int]) -> None:
    if positive is None:
        return
    if task != "binary":
        raise PlanError(f"objective.positive is for two classes. The task is {task}. Remove it.")
    if class_counts and positive not in class_counts:
        known = " and ".join(repr(label) for label in class_counts)
        raise PlanError(f"objective.positive must be one of the classes. Got {positive!r}. The classes are {known}.")


def reached(objective: Objective, score: Score | None) -> State:
    """Whether a score reaches what was asked: with its whole interval, or with none of it, or neither.

    >>> error = resolve(ObjectiveOptions(metric="mae", at_least=10), task="regression", class_counts={})
    >>> reached(error, Score(value=50.0, low=40.0, high=60.0, n=90))
    'missed'
    """
    at_least = objective.at_least
    if score is None or at_least is None:
        return "not shown"
    if objective.greater_is_better:
        return "met" if score.low >= at_least else "missed" if score.high < at_least else "not shown"
    return "met" if score.high <= at_least else "missed" if score.low > at_least else "not shown"


def _sentence(objective: Objective, score: Score | None, measured: Mapping[str, float]) -> str:
    if score is None:
        text = f"{objective.metric} is undefined on these rows"
    else:
        text = f"{objective.metric} is {rounded(score, beside=objective.at_least)}"
    if objective.at_least is not None:
        text += f", and at {'least' if objective.greater_is_better else 'most'} {objective.at_least:g} was asked"
    units = {"latency_ms": ("latency", "ms"), "size_mb": ("size", "MB")}
    for name, limit in objective.limits.given().items():
        what, unit = units[name]
        found = f"{measured[name]:.3g} {unit}" if name in measured else "not measured"
        text += f"; {what} is {found}, the limit is {limit:g} {unit}"
    return text
