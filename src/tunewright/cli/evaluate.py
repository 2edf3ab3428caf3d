"""`tunewright evaluate`: score a bundle on labelled rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunewright.cli.answer import Answer
from tunewright.cli.options import JsonOption, QuietOption, RequireOption
from tunewright.cli.run import NOT_MET

if TYPE_CHECKING:
    from tunewright.bundle.predictor import Predictor
    from tunewright.records import Score, Verdict


def verb(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="The bundle folder of a run.")],
    data: Annotated[str, typer.Argument(metavar="DATA", help="Rows with the target: csv, tsv, jsonl or parquet.")],
    metric: Annotated[
        str | None, typer.Option("--metric", help="The metric that decides. Default: the run's own.")
    ] = None,
    at_least: Annotated[
        float | None, typer.Option("--at-least", help="The value to reach (for an error or a loss: to stay under).")
    ] = None,
    require_objective: RequireOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Score a bundle on the labelled rows of DATA: every metric of its task, with 95 % intervals."""
    from tunewright.api import load
    from tunewright.cli.text import score_rows, table
    from tunewright.errors import PlanError
    from tunewright.records import to_json

    if require_objective and at_least is None:
        raise PlanError("--require-objective needs something to require. Got no --at-least. Add it.")
    predictor = load(bundle)
    objective = _objective(predictor, metric, at_least)
    scores = predictor.evaluate(data)
    said = _verdict(objective, scores)
    value: dict[str, Any] = {
        "bundle": bundle,
        "data": data,
        "metric": objective.metric,
        "metrics": to_json(scores),
        "verdict": to_json(said),
    }
    text = f"{said.text}\n\n{table(score_rows(value['metrics']))}"
    return Answer(value=value, text=text, code=NOT_MET if require_objective and said.objective != "met" else 0)


def _objective(predictor: Predictor, metric: str | None, at_least: float | None) -> Any:
    """The objective, checked against the task before anything is computed."""
    from tunewright.objective import ObjectiveOptions, resolve

    options = ObjectiveOptions(metric=metric or predictor.model.metric, at_least=at_least)
    return resolve(options, task=predictor.model.task.kind, class_counts={})


def _verdict(objective: Any, scores: dict[str, Score]) -> Verdict:
    from tunewright.objective import verdict

    return verdict(objective, scores.get(objective.metric))
