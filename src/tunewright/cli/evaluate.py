"""`tunewright evaluate`: score a bundle on labelled rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunewright.cli.answer import Answer
from tunewright.cli.options import JsonOption, QuietOption, RequireOption
from tunewright.cli.run import NOT_MET

if TYPE_CHECKING:
    from tunewright.bundle.predictor import Predictor
    from tunewright.records import Score, Verdict


def verb(
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="The bundle folder of a run, or its URL.")],
    data: Annotated[
        str, typer.Argument(metavar="DATA", help="Rows with the target: csv, tsv, jsonl or parquet; a URL.")
    ],
    metric: Annotated[
        str | None, typer.Option("--metric", help="The metric that decides. Default: the run's own.")
    ] = None,
    at_least: Annotated[
        float | None, typer.Option("--at-least", help="The value to reach (for an error or a loss: to stay under).")
    ] = None,
    tests: Annotated[
        str | None,
        typer.Option("--tests", metavar="FILE", help="Behaviours to try (YAML). Default: those the bundle holds."),
    ] = None,
    robustness: Annotated[
        bool,
        typer.Option("--robustness", metavar="", help="Also damage a sample of the rows and say how far it falls."),
    ] = False,
    require_objective: RequireOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Score a bundle on the labelled rows of DATA: every metric of its task, with 95 % intervals.

    What the expert asked of the model (knowledge.tests of the plan) is tried again, also on rows of DATA.
    --robustness damages up to 200 of them (typos, capitals, cut texts, empty cells) and tells which answers change.
    """
    from tunewright.api import load
    from tunewright.cli.evidence_text import robustness_lines
    from tunewright.cli.text import behaviour_lines, score_rows, table
    from tunewright.errors import PlanError
    from tunewright.records import to_json
    from tunewright.remote import shown
    from tunewright.stories.judging.evaluating import evaluate_bundle

    if require_objective and at_least is None:
        raise PlanError("--require-objective needs something to require. Got no --at-least. Add it.")
    predictor = load(bundle)
    objective = _objective(predictor, metric, at_least)
    asked = Path(tests) if tests is not None else None
    found = evaluate_bundle(
        predictor, data, tests=asked, by=_digest(bundle), robustness=objective.metric if robustness else None
    )
    said = _verdict(objective, found.unseen or found.scores)
    value: dict[str, Any] = {
        "bundle": shown(bundle),
        "data": shown(data),
        "metric": objective.metric,
        "metrics": to_json(found.scores),
        "verdict": to_json(said),
        "seen": found.seen,
        "metrics_unseen": to_json(found.unseen),
        "looks": found.looks,
        "behaviours": to_json(found.behaviours),
        "robustness": to_json(found.robustness),
    }
    lines = [
        said.text,
        "",
        table(score_rows(value["metrics"])),
        *_caveats(value),
        *behaviour_lines(value["behaviours"]),
        *robustness_lines(value["robustness"]),
    ]
    text = "\n".join(lines)
    return Answer(value=value, text=text, code=NOT_MET if require_objective and said.objective != "met" else 0)


def _digest(bundle: str) -> str:
    """What names the bundle in the ledger of looks: the digests of its files, wherever it lies."""
    from tunewright.bundle.fetching import local_bundle
    from tunewright.bundle.reading import SUMS

    return (local_bundle(bundle) / SUMS).read_text("utf-8")


def _caveats(value: dict[str, Any]) -> list[str]:
    """What the table above does not say: rows the model knows, and how often these rows have served."""
    from tunewright.cli.text import score_rows, table

    lines = []
    rows = max((score["n"] for score in value["metrics"].values()), default=0)
    if value["seen"] and value["metrics_unseen"] is not None:
        lines += [
            "",
            f"The model learned from or was chosen on {value['seen']:,} of these {rows:,} rows. Without them:",
        ]
        lines += ["", table(score_rows(value["metrics_unseen"]))]
    elif value["seen"]:
        lines += ["", f"The model learned from or was chosen on {value['seen']:,} of these {rows:,} rows, and too few "]
        lines[-1] += "others are left to score: this says nothing about new rows."
    if value["looks"] > 1:
        lines += ["", f"{value['looks']} models have been scored on these very rows by now: the best of them looks "]
        lines[-1] += "better than it is."
    return lines


def _objective(predictor: Predictor, metric: str | None, at_least: float | None) -> Any:
    """The objective, checked against the task before anything is computed."""
    from tunewright.objective import ObjectiveOptions, resolve

    options = ObjectiveOptions(metric=metric or predictor.model.metric, at_least=at_least)
    return resolve(options, task=predictor.model.task.kind, class_counts={})


def _verdict(objective: Any, scores: dict[str, Score]) -> Verdict:
    from tunewright.objective import verdict

    return verdict(objective, scores.get(objective.metric))
