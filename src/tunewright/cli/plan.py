"""`tunewright plan`: the resolved plan, what was inferred and why, and the forecast, without running anything."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunewright.cli.answer import Answer
from tunewright.cli.options import (
    DataArgument,
    JsonOption,
    PlanOption,
    QuietOption,
    SetOption,
    TargetOption,
    TestOption,
    ValidationOption,
    plan_from,
)

if TYPE_CHECKING:
    from tunewright.stories.prepare import Prepared


KeysOption = Annotated[
    bool,
    typer.Option("--keys", metavar="", help="Print every key of a plan, metric, finding and remedy. Needs no DATA."),
]


def verb(
    data: DataArgument = None,
    target: TargetOption = None,
    plan: PlanOption = None,
    overrides: SetOption = None,
    validation: ValidationOption = None,
    test: TestOption = None,
    keys: KeysOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Show the plan with every default, what was inferred and why, and what a run would cost. Runs nothing.

    What it prints is itself a plan: tunewright plan DATA --target COL > plan.yaml; tunewright run --plan plan.yaml
    """
    if keys:
        from tunewright.stories.reference import list_reference, write_reference

        return Answer(value=list_reference(), text=write_reference())
    from tunewright.records import to_json
    from tunewright.runfolder.context import RunContext
    from tunewright.stories.auditing.examine import examine
    from tunewright.stories.prepare import load_rows, prepare
    from tunewright.stories.training.forecast import forecast

    resolved = plan_from(data, target, plan=plan, overrides=overrides, validation=validation, test=test)
    prepared = prepare(load_rows(resolved), resolved)
    findings = to_json(examine(prepared, resolved, RunContext(), deep=False).findings)
    expected = forecast(prepared, resolved)
    value = {
        "plan": to_json(resolved),
        "columns": to_json(prepared.table.columns),
        "task": {"kind": prepared.table.task, "why": prepared.table.task_why},
        "objective": to_json(prepared.objective),
        "findings": findings,
        "forecast": expected,
    }
    comments = [*_inferred(prepared, findings), "", *_expected(expected)]
    text = resolved.to_yaml() + "\n" + "\n".join(f"# {line}".rstrip() for line in comments)
    return Answer(value=value, text=text)


def _inferred(prepared: Prepared, findings: Sequence[Mapping[str, Any]]) -> list[str]:
    from tunewright.cli.text import finding_lines, table

    known = prepared.table
    rows = [("column", "kind", "used as", "empty", "distinct", "why")]
    rows += [(c.name, c.kind, c.role, f"{c.missing:,}", f"{c.distinct:,}", c.why) for c in known.columns]
    return [
        f"Task      {known.task}: {known.task_why}.",
        f"Metric    {prepared.objective.metric}. {prepared.objective.why}",
        f"Split     {prepared.split.how}",
        "",
        *table(rows).splitlines(),
        "",
        *finding_lines(findings, where="--json"),
    ]


def _expected(expected: Mapping[str, Any]) -> list[str]:
    from tunewright.cli.text import table

    rows, tokens, memory, minutes = (expected[name] for name in ("rows", "tokens", "memory_mb", "minutes"))
    lines = [
        ("rows", ", ".join(f"{part} {count:,}" for part, count in rows.items())),
        ("weights", f"{expected['parameters']:,}, of which {expected['trainable']:,} train ({expected['train']})"),
        ("memory", f"{memory['low']:,} to {memory['high']:,} MB, of {memory['limit']:,} MB that may be held"),
        ("time", f"{minutes['low']:g} to {minutes['high']:g} minutes on this machine, if it stays as busy as now"),
        ("resolution", expected["detectable"]["text"]),
    ]
    if tokens is not None:
        said = f"{tokens['total']:,}, {tokens['mean']:g} a row; texts are cut at {tokens['max_length']}"
        texts = f"{tokens['distinct_texts']:,} different ones, of which {tokens['cached']:,} are encoded already"
        lines[1:1] = [("tokens", f"{said} ({tokens['cut_share']:.1%} lose some)"), ("texts", texts)]
    return [*table(lines).splitlines(), "", *expected["notes"]]
