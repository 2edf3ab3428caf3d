"""`tunewright run`: the whole road up to a bundle and a report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tunewright.cli.answer import Answer
from tunewright.cli.options import (
    DataArgument,
    FreshOption,
    JsonOption,
    OnOption,
    PageOption,
    PlanOption,
    QuietOption,
    RequireOption,
    RunOutOption,
    SetOption,
    TargetOption,
    TestOption,
    TrackOption,
    ValidationOption,
    plan_from,
)
from tunewright.cli.walking import walk

if TYPE_CHECKING:
    from tunewright.plan import Plan

NOT_MET = 4


def verb(
    data: DataArgument = None,
    target: TargetOption = None,
    plan: PlanOption = None,
    overrides: SetOption = None,
    validation: ValidationOption = None,
    test: TestOption = None,
    out: RunOutOption = None,
    fresh: FreshOption = False,
    on: OnOption = None,
    page: PageOption = False,
    track: TrackOption = None,
    require_objective: RequireOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Fine-tune a model on DATA, judge it on rows it never saw, and leave a bundle and a report.

    An interrupted run is continued by the same command; a finished one is only shown again.

    Example: tunewright run tickets.csv --target team --set objective.at_least=0.9
    """
    from tunewright.cli.page import paged, staying
    from tunewright.stories.placing.sending import run_where_asked

    resolved = plan_from(data, target, plan=plan, overrides=overrides, validation=validation, test=test)
    if require_objective:
        _refuse_without_objective(resolved)
    with paged(wanted=page, on=on) as live:
        summary = walk(run_where_asked, resolved, out=out, fresh=fresh, quiet=quiet, on=on, hear=live, track=track)
    met = summary["verdict"]["objective"] == "met"
    code = NOT_MET if require_objective and not met else 0
    return Answer(value=summary, text=summary_text(summary), code=code, after=staying(live, json=json))


def summary_text(summary: Mapping[str, Any]) -> str:
    """What a person reads when a run ends: verdict, comparison, findings, paths."""
    from tunewright.cli.evidence_text import efficiency_line, robustness_line
    from tunewright.cli.text import (
        behaviour_lines,
        comparison_table,
        expectation_lines,
        finding_lines,
        remedy_lines,
        slice_lines,
    )

    return "\n".join(
        [
            "",
            summary["verdict"]["text"],
            "",
            comparison_table(summary),
            *slice_lines(summary.get("slices", ())),
            *behaviour_lines(summary.get("behaviours", ())),
            *robustness_line(summary.get("robustness")),
            *efficiency_line(summary.get("efficiency")),
            *expectation_lines(summary.get("expectations", ())),
            "",
            *finding_lines(summary["findings"], where=summary["report"]),
            *remedy_lines(summary),
            "",
            f"Report   {summary['report']}",
            f"Bundle   {summary['bundle']}",
            f"Explain  tunewright explain {summary['run']} NEW_DATA --rows 3",
            f"Predict  tunewright predict {summary['bundle']} NEW_DATA --out predictions.csv",
        ]
    )


def _refuse_without_objective(plan: Plan) -> None:
    from tunewright.errors import PlanError

    if plan.objective.at_least is None and not plan.objective.limits.given():
        raise PlanError(
            "--require-objective needs something to require. The plan sets neither objective.at_least nor a limit. "
            "Add --set objective.at_least=0.9, or leave --require-objective out."
        )
