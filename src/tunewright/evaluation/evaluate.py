"""Evaluate a fitted model: validation and test, baselines, paired comparisons, a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tunewright.evaluation.baselines import BASELINES, Rows
from tunewright.learning.decisions import fit_decision
from tunewright.learning.fit import Fitted
from tunewright.metrics import Outcome, difference, scores
from tunewright.metrics import metric as metric_of
from tunewright.objective import Objective, verdict
from tunewright.records import Comparison, Evaluation, Score
from tunewright.runfolder.context import RunContext
from tunewright.stats import wilson
from tunewright.tasks import Classification, Decision

Array = np.ndarray[Any, np.dtype[Any]]


def evaluate(
    rows: Rows, fitted: Fitted, objective: Objective, *, limits: Mapping[str, float], run: RunContext
) -> Evaluation:
    """Score the model and every baseline on the test part and compare them on the same rows.

    Args:
        rows: what baselines may be fitted on and are scored on.
        fitted: the model, its outputs and the probe's.
        objective: metric and target.
        limits: measured latency_ms and size_mb, as far as the plan limits them.
        run: hears about it.
    """
    problem = rows.problem
    ours = {
        part: problem.task.outcome(problem.targets[part], out, fitted.model.decision)
        for part, out in fitted.outputs.items()
    }
    others = _baselines(rows, fitted, objective.metric, run)
    metrics = {part: scores(outcome, seed=problem.seed) for part, outcome in ours.items()}
    comparisons = tuple(
        difference(objective.metric, ours["test"], outcome, names=("model", name), seed=problem.seed)
        for name, outcome in others.items()
        # Undefined where, say, a prediction is constant (rank correlation) or one class is absent (AUC).
        if objective.metric in metrics["test"] and metric_of(objective.metric).value(outcome) is not None
    )
    return Evaluation(
        metric=objective.metric,
        metrics=metrics,
        baselines={name: scores(outcome, seed=problem.seed) for name, outcome in others.items()},
        comparisons=comparisons,
        verdict=verdict(
            objective,
            metrics["test"].get(objective.metric),
            limits_measured=limits,
            baseline_note=_baseline_note(comparisons),
        ),
        per_class=_per_class(problem.task, ours["test"]),
    )


def _baselines(rows: Rows, fitted: Fitted, metric: str, run: RunContext) -> dict[str, Outcome]:
    found = {}
    for name, make in BASELINES:
        run.tell("baselines", f"Fitting the baseline {name}.")
        outputs = make(rows)
        if outputs is not None:
            found[name] = _plain(rows, outputs) if name == "majority" else _outcome(rows, outputs, metric)
    found["probe"] = _outcome(rows, fitted.probe_outputs, metric)
    return found


def _plain(rows: Rows, outputs: Mapping[str, Array]) -> Outcome:
    """A constant answer without thresholds: with them it would no longer be the majority's."""
    return rows.problem.task.outcome(rows.problem.targets["test"], outputs["test"], Decision())


def _outcome(rows: Rows, outputs: Mapping[str, Array], metric: str) -> Outcome:
    """Decide for a baseline exactly as for the model: on its own validation outputs."""
    problem = rows.problem
    decision = fit_decision(problem.task, outputs["validation"], problem.targets["validation"], metric)
    return problem.task.outcome(problem.targets["test"], outputs["test"], decision)


def _baseline_note(comparisons: tuple[Comparison, ...]) -> str:
    worse = [c.b for c in comparisons if c.verdict == "worse"]
    better = [c.b for c in comparisons if c.verdict == "better"]
    level = [c.b for c in comparisons if c.verdict == "no evidence"]
    parts = []
    if worse:
        parts.append(
            f"The simpler {' and '.join(worse)} did better on the same rows: use that, or give the model more data."
        )
    if better:
        parts.append(f"Better than {', '.join(better)} on the same rows.")
    if level:
        parts.append(f"No evidence of a difference from {', '.join(level)}.")
    return " ".join(parts)


def _per_class(task: Any, outcome: Outcome) -> dict[str, dict[str, Score]]:
    """Recall and precision of every label with Wilson intervals; labels that never occur have none."""
    table: dict[str, dict[str, Score]] = {}
    for number, label in enumerate(task.labels):
        if isinstance(task, Classification):
            true, said = outcome.truth == number, outcome.labels == number
        else:
            true, said = outcome.truth[:, number] == 1, outcome.labels[:, number] == 1
        hits = int((true & said).sum())
        line = {}
        if true.any():
            line["recall"] = wilson(hits, int(true.sum()))
        if said.any():
            line["precision"] = wilson(hits, int(said.sum()))
        table[label] = line
    return table
