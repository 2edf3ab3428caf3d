"""Scores with intervals, and paired comparisons, of the metrics in the table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from tunewright.errors import DataError, PlanError
from tunewright.metrics.outcome import Outcome
from tunewright.metrics.resampled import Values
from tunewright.metrics.rows import right
from tunewright.metrics.table import Metric, metric, names_for
from tunewright.records import Comparison, Score
from tunewright.stats import bootstrap_p_value, bootstrap_weights, mcnemar, percentile_interval, wilson

# With five differing rows the strongest exact paired test gives 2 / 2**5 = 0.06: nothing can be shown.
_DIFFERING_ROWS = 6


def score(metric_name: str, outcome: Outcome, *, seed: int = 0, rounds: int = 1000) -> Score | None:
    """A metric's value with its 95 % interval, or None where the outcome leaves it undefined.

    Args:
        metric_name: any spelling that `canonical` accepts.
        outcome: truth and predictions.
        seed: of the bootstrap.
        rounds: bootstrap resamples.

    Raises:
        PlanError: no such metric, or not one for the outcome's task.

    >>> o = Outcome(task="binary", classes=2, truth=np.array([0, 1, 1, 0]), labels=np.array([0, 1, 1, 1]))
    >>> score("accuracy", o).value
    0.75
    """
    name = metric(metric_name).name
    return scores(outcome, names=(name,), seed=seed, rounds=rounds).get(name)


def scores(
    outcome: Outcome, *, names: Sequence[str] | None = None, seed: int = 0, rounds: int = 1000
) -> dict[str, Score]:
    """Every metric that applies, with 95 % intervals from one shared set of resamples; undefined ones are left out.

    A proportion has Wilson's interval. The others have the percentile interval of a bootstrap within the true classes,
    never narrower than the trials behind the metric allow (see `support`) and always around the value.

    Args:
        outcome: truth and predictions.
        names: metrics to score; None: all of the task.
        seed: of the bootstrap.
        rounds: bootstrap resamples.

    Raises:
        PlanError: a name that is unknown or not of the outcome's task.
    """
    wanted = [_fitting(name, outcome) for name in (names_for(outcome.task) if names is None else names)]
    values = {m: value for m in wanted if (value := _value(m, outcome)) is not None}
    drawn = [m for m in values if not m.proportion and outcome.known.sum() > (m.support is None)]
    samples = _samples(drawn, [outcome], seed=seed, rounds=rounds)
    found: dict[str, Score] = {}
    for m, value in values.items():
        n = int(outcome.known.sum()) if m.needs == "probabilities" else outcome.rows
        if m.proportion:
            found[m.name] = wilson(round(value * n), n)
        elif m in samples and np.isfinite(samples[m][0]).any():
            found[m.name] = _with_interval(m, value, n, samples[m][0], outcome)
    return found


def difference(
    metric_name: str, a: Outcome, b: Outcome, *, names: tuple[str, str] = ("a", "b"), seed: int = 0, rounds: int = 1000
) -> Comparison:
    """Whether a is better than b on the same rows; the difference is positive where a is better, losses included.

    The interval is a paired bootstrap's. The p-value is McNemar's exact one for accuracy, the bootstrap's otherwise.
    "better" and "worse" need an interval that excludes zero, a p-value of at most 0.05, and at least six rows on which
    the two differ: with fewer, no exact paired test reaches 5 %.

    Args:
        metric_name: any spelling that `canonical` accepts.
        a: truth and predictions of one.
        b: predictions of the other for the same rows.
        names: what to call the two.
        seed: of the bootstrap.
        rounds: bootstrap resamples.

    Raises:
        PlanError: no such metric, or not one for the task.
        DataError: the rows differ, or the metric is undefined for one of the two.

    >>> truth = np.arange(40) % 2
    >>> good, bad = (Outcome(task="binary", classes=2, truth=truth, labels=said) for said in (truth, 0 * truth))
    >>> c = difference("accuracy", good, bad, names=("tuned", "majority"))
    >>> c.difference.value, c.verdict
    (0.5, 'better')
    """
    m = _fitting(metric_name, a)
    if a.task != b.task or a.truth.shape != b.truth.shape or not np.array_equal(a.truth, b.truth):
        raise DataError("A comparison needs the same rows in one order. Got different truths. Score both on one file.")
    values = [_value(m, outcome) for outcome in (a, b)]
    if values[0] is None or values[1] is None:
        raise DataError(f"{m.name} must be defined for both. It is not on these {a.rows} rows. Choose another metric.")
    sign = 1.0 if m.greater_is_better else -1.0
    value = sign * (values[0] - values[1])
    pair = _samples([m], [a, b], seed=seed, rounds=rounds)[m]
    draws = sign * (pair[0] - pair[1])
    draws = draws[np.isfinite(draws)] if np.isfinite(draws).any() else np.zeros(1)
    low, high = percentile_interval(draws)
    result = Score(value=value, low=min(low, value), high=max(high, value), n=a.rows)
    p_value = mcnemar(right(a), right(b)) if m.name == "accuracy" else bootstrap_p_value(draws)
    return Comparison(
        metric=m.name,
        a=names[0],
        b=names[1],
        difference=result,
        p_value=p_value,
        verdict=_judged(result, enough=_differing(m, a, b) >= _DIFFERING_ROWS and p_value <= 0.05),
    )


def _judged(difference: Score, *, enough: bool) -> Literal["better", "worse", "no evidence"]:
    if not enough or difference.low <= 0 <= difference.high:
        return "no evidence"
    return "better" if difference.low > 0 else "worse"


def _fitting(name: str, outcome: Outcome) -> Metric:
    found = metric(name)
    if outcome.task not in found.tasks:
        fits = ", ".join(names_for(outcome.task))
        raise PlanError(f"The metric must fit the task. Got {found.name} for {outcome.task}. Choose one of: {fits}.")
    return found


def _value(m: Metric, outcome: Outcome) -> float | None:
    if m.needs == "probabilities" and (outcome.probabilities is None or not outcome.known.any()):
        return None
    return m.value(outcome)


def _samples(
    metrics: Sequence[Metric], outcomes: Sequence[Outcome], *, seed: int, rounds: int
) -> dict[Metric, list[Values]]:
    """Bootstrap values of each metric on each outcome, all from the same resamples."""
    if not metrics:
        return {}
    prepared = [(m, outcome_at, m.resampled(o)) for m in metrics for outcome_at, o in enumerate(outcomes)]
    parts: dict[Metric, list[list[Values]]] = {m: [[] for _ in outcomes] for m in metrics}
    first = outcomes[0]
    for weights in bootstrap_weights(first.rows, strata=first.strata, rounds=rounds, seed=seed):
        for m, at, resampled in prepared:
            parts[m][at].append(resampled(weights))
    return {m: [np.concatenate(blocks) for blocks in per_outcome] for m, per_outcome in parts.items()}


def _with_interval(m: Metric, value: float, n: int, draws: Values, outcome: Outcome) -> Score:
    # The value is off by what resampling adds to it, and the resamples by that twice (Davison & Hinkley 1997, 2.1).
    shift = 2.0 * float(np.nanmean(draws) - value) if m.corrected else 0.0
    ends = percentile_interval(draws - shift)
    low, high = min(value, ends[0]), max(value, ends[1])
    lowest, highest = m.bounds
    trials = m.support(outcome) if m.support else 0.0
    if trials > 0 and lowest is not None and highest is not None:
        span = highest - lowest
        floor = wilson(min(1.0, max(0.0, (value - lowest) / span)) * trials, trials)
        low, high = min(low, lowest + span * floor.low), max(high, lowest + span * floor.high)
    if m.closed_form is not None:
        known = m.closed_form(value, n)
        low, high = min(low, known[0]), max(high, known[1])
    # Rounding in float32 sums must not carry an end past what the metric can be.
    low = low if lowest is None else max(low, min(lowest, value))
    high = high if highest is None else min(high, max(highest, value))
    return Score(value=value, low=low, high=high, n=n)


def _differing(m: Metric, a: Outcome, b: Outcome) -> int:
    """Rows whose contribution to the metric differs between a and b."""
    one, other = (np.asarray(o.probabilities if m.needs == "probabilities" else o.labels) for o in (a, b))
    return int(np.not_equal(one, other).reshape(a.rows, -1).any(axis=1).sum())
