"""Evaluate a fitted model: validation and test, baselines, paired comparisons, a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from tunewright.data.wording import joined
from tunewright.evaluation.baselines import BASELINES, Rows
from tunewright.evaluation.costs import expected_cost
from tunewright.evaluation.protected import judge_slices, read_slices
from tunewright.evaluation.trust import measure_trust
from tunewright.learning.decisions import fit_decision
from tunewright.learning.fit import Fitted
from tunewright.learning.problem import Problem
from tunewright.metrics import Outcome, difference, scores
from tunewright.metrics import metric as metric_of
from tunewright.metrics.rivals import baseline
from tunewright.objective import Objective, verdict
from tunewright.records import Comparison, Evaluation, Score, TaskKind, Trust, to_json
from tunewright.runfolder.context import RunContext
from tunewright.stats import wilson
from tunewright.tasks import Classification, Decision

Array = np.ndarray[Any, np.dtype[Any]]


def evaluate(
    rows: Rows,
    fitted: Fitted,
    objective: Objective,
    *,
    limits: Mapping[str, float],
    run: RunContext,
    protect: Sequence[str] = (),
) -> Evaluation:
    """Score the model and every baseline on the test part and compare them on the same rows.

    Args:
        rows: what baselines may be fitted on and are scored on.
        fitted: the model, its outputs and the probe's.
        objective: metric and target.
        limits: measured latency_ms and size_mb, as far as the plan limits them.
        run: hears about it.
        protect: conditions of slices in which a model that gets worse is not called better.
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
    slices = _slices(rows, ours["test"], others, protect, objective.metric)
    worse = {one["against"] for one in slices if one["verdict"] == "worse"}
    comparisons = tuple(
        replace(one, verdict="no evidence") if one.verdict == "better" and one.b in worse else one
        for one in comparisons
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
            baseline_note=" ".join([_baseline_note(comparisons, problem.task.kind), *_slice_notes(slices)]).strip(),
        ),
        expected_cost=_costs(problem, {"model": ours["test"], **others}),
        slices=slices,
        per_class=_per_class(problem.task, ours["test"]),
        trust=_trust(problem, fitted),
    )


def _trust(problem: Problem, fitted: Fitted) -> Trust | None:
    """What the model's confidence is worth; None where no validation rows are left to choose on."""
    parts = [(fitted.outputs[part], problem.targets[part]) for part in ("validation", "test") if part in fitted.outputs]
    if len(parts) < 2 or len(parts[0][0]) != len(parts[0][1]):
        return None
    return measure_trust(problem.task, fitted.model.decision, parts[0], parts[1], seed=problem.seed)


def _slices(
    rows: Rows, model: Outcome, others: Mapping[str, Outcome], protect: Sequence[str], metric: str
) -> tuple[dict[str, Any], ...]:
    """The model against every baseline in every protected slice of the test rows."""
    if not protect:
        return ()
    typed, kind = rows.problem.typed["test"], rows.problem.task.kind
    conditions = read_slices(protect, typed.schema)
    return tuple(
        {"against": name, **to_json(one)}
        for name, outcome in others.items()
        for one in judge_slices(
            conditions,
            typed,
            model,
            outcome,
            metric=metric,
            names=("the model", f"the {baseline(name, kind)}"),
            seed=rows.problem.seed,
        )
    )


def _slice_notes(slices: Sequence[Mapping[str, Any]]) -> list[str]:
    worse = [one for one in slices if one["verdict"] == "worse"]
    return [f"Protected: {one['text']}" for one in worse]


def _costs(problem: Problem, outcomes: Mapping[str, Outcome]) -> dict[str, Score]:
    """What a row costs by the expert's costs."""
    if not isinstance(problem.task, Classification) or not problem.task.costs:
        return {}
    matrix = np.array(problem.task.costs)
    return {name: expected_cost(outcome, matrix, seed=problem.seed) for name, outcome in outcomes.items()}


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


def _baseline_note(comparisons: Sequence[Comparison], task: TaskKind) -> str:
    """What the comparisons show, each baseline named by what it is for this task."""
    worse = [baseline(c.b, task) for c in comparisons if c.verdict == "worse"]
    better = [baseline(c.b, task) for c in comparisons if c.verdict == "better"]
    level = [baseline(c.b, task) for c in comparisons if c.verdict == "no evidence"]
    parts = []
    if worse:
        parts.append(f"The simpler {joined(worse)} did better on the same rows: use that, or give the model more data.")
    if better:
        parts.append(f"Better than the {joined(better)} on the same rows.")
    if level:
        parts.append(f"No evidence of a difference from the {joined(level)}.")
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
