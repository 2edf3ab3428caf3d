"""The station `evaluate`: what the trained model is worth on the sealed test rows, what it costs, where it fails."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from tunewright.plan import Plan
from tunewright.runfolder import RunFolder, read_entries, write_json
from tunewright.runfolder.context import RunContext
from tunewright.stories.auditing.knowledge import with_behaviours
from tunewright.stories.prepare import Loaded, Prepared

if TYPE_CHECKING:
    from tunewright.evaluation.efficiency import Cost
    from tunewright.records import Analysis, Efficiency, Evaluation
    from tunewright.stories.auditing.station import Audited
    from tunewright.stories.training.station import Trained


class Scored(NamedTuple):
    """What goes on from the evaluation: cost of answering, scores, and where the model fails."""

    cost: Cost
    evaluation: Evaluation
    analysis: Analysis


def scored(loaded: Loaded, found: Audited, trained: Trained, plan: Plan, folder: RunFolder, run: RunContext) -> Scored:
    """Score, damage and look at the errors; written to the run folder.

    Args:
        loaded: the raw rows: the look at the test part is counted by them.
        found: mended rows, findings and doubts.
        trained: the model.
        plan: the one that was trained by.
        folder: of the run.
        run: hears and decides.
    """
    from tunewright.evaluation.efficiency import measure_efficiency
    from tunewright.stories.delivering.station import parity_rows
    from tunewright.stories.judging.answering import answers_of_run, keep_answers
    from tunewright.stories.judging.damaging import with_robustness
    from tunewright.stories.judging.errors import look_at_errors
    from tunewright.stories.judging.wrong_rows import mistaken

    prepared, examples = found.mended.prepared, plan.report.examples
    cost = measure_efficiency(trained.fitted.model, parity_rows(prepared))
    evaluation = _evaluate(prepared, trained, plan, run, cost.efficiency)
    evaluation = with_behaviours(evaluation, trained.fitted.model, prepared, plan)
    evaluation, damaged = with_robustness(evaluation, prepared, trained, run)
    evaluation = replace(evaluation, looks=_count_look(loaded, prepared, folder))
    write_json(folder.evaluation_json, evaluation)
    keep_answers(folder.answers, answers_of_run(prepared, trained, loaded.frame, plan.knowledge.protect))
    analysis = look_at_errors(prepared, trained, findings=found.findings, doubts=found.doubts, examples=examples)
    analysis = replace(analysis, damaged=damaged if examples else ())
    write_json(folder.analysis_json, analysis)
    write_json(folder.mistakes_json, mistaken(prepared, trained))
    return Scored(cost, evaluation, analysis)


def _evaluate(prepared: Prepared, trained: Trained, plan: Plan, run: RunContext, efficiency: Efficiency) -> Evaluation:
    """Score the sealed test part, the model's once and each baseline's."""
    from tunewright.evaluation.evaluate import evaluate
    from tunewright.evaluation.limits import limits_of

    fitted, rows, crossed = trained.fitted, trained.rows, trained.crossed
    limits = limits_of(efficiency, prepared.objective.limits)
    evaluation = evaluate(rows, fitted, prepared.objective, limits=limits, run=run, protect=plan.knowledge.protect)
    evaluation = replace(evaluation, efficiency=efficiency)
    if crossed is None:
        return evaluation
    return replace(evaluation, metrics={**evaluation.metrics, "validation": crossed.metrics}, folds=crossed.folds)


def _count_look(loaded: Loaded, prepared: Prepared, folder: RunFolder) -> int:
    """Count this run's look by the raw rows, whatever the plan makes of them; a resumed run looks once."""
    from tunewright.seal import count_look

    opened = read_entries(folder.journal)[0]
    # Not by its path: a run that goes on in another place, or on another machine, is the same run.
    by = f"{folder.path.name} {opened.time} {opened.data}"
    return count_look(loaded.frame[list(prepared.split.test)], by=by)
