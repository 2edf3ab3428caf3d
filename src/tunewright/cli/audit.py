"""`tunewright audit`: what is wrong with the data, with evidence, before anything is trained."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
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
    refuse_urls,
)

if TYPE_CHECKING:
    from tunewright.records import Audit, Finding, Repair

OutOption = Annotated[
    str | None,
    typer.Option("--out", metavar="DIR", help="Folder for audit.json with all rows. Default: audits/NAME-DIGEST."),
]
ShallowOption = Annotated[
    bool, typer.Option("--shallow", metavar="", help="Only what the table shows; no text is encoded, nothing learned.")
]
ReviewOption = Annotated[
    str | None,
    typer.Option("--review", metavar="FILE", help="Write doubtful rows to a csv sheet for a person to fill in."),
]
CalibrateOption = Annotated[
    bool,
    typer.Option("--calibrate", metavar="", help="Plant known faults in copies of DATA and tell how many are found."),
]
RoundsOption = Annotated[
    int, typer.Option("--rounds", metavar="N", min=1, help="With --calibrate: how often each fault is planted.")
]


def verb(
    data: DataArgument = None,
    target: TargetOption = None,
    plan: PlanOption = None,
    overrides: SetOption = None,
    validation: ValidationOption = None,
    test: TestOption = None,
    out: OutOption = None,
    review: ReviewOption = None,
    calibrate: CalibrateOption = False,
    rounds: RoundsOption = 3,
    shallow: ShallowOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Say what is wrong with DATA: which rows, how sure, and which remedy would act on it. Changes nothing.

    Example: tunewright audit tickets.csv --target team
    """
    from tunewright.cli.progress import shown
    from tunewright.records import to_json
    from tunewright.stories.auditing.calibrate import scorecard_text
    from tunewright.stories.auditing.inspect import calibrated, inspect, shortened, write_audit, write_sheet

    refuse_urls({"--out": out, "--review": review})
    resolved = plan_from(data, target, plan=plan, overrides=overrides, validation=validation, test=test)
    more: dict[str, Any] = {}
    text = []
    with shown(quiet=quiet) as show:
        inspection = inspect(resolved, observe=show, deep=not shallow)
        if calibrate:
            card = calibrated(inspection, resolved, observe=show, rounds=rounds, deep=not shallow)
            more["scorecard"] = to_json(card)
            text = ["", scorecard_text(card)]
        path = write_audit(inspection, resolved, Path(out) if out else None, more)
    audit = inspection.audit
    if review is not None:
        more["review"] = {"path": review, "rows": write_sheet(inspection, Path(review))}
        text += ["", f"Sheet     {review}: {more['review']['rows']} rows to decide (keep, relabel, drop)"]
        text += [f"          then: tunewright run ... --set audit.corrections={review}"]
    findings = [shortened(finding) for finding in to_json(audit.findings)]
    return Answer(
        value={"rows": audit.rows, "findings": findings, "repairs": to_json(audit.repairs), "audit": str(path), **more},
        text="\n".join([audit_text(audit, path), *text]),
    )


def audit_text(audit: Audit, path: Path) -> str:
    """Every finding: what, where, the worst rows, what acts on it; then what reading has put right already."""
    from tunewright.report.effects import repaired
    from tunewright.report.words import visible

    put_right = [f"repair   {visible(repaired(repair))}" for repair in audit.repairs]
    put_right = ["", "Put right when reading, in every row, now and when predicting:", *put_right] if put_right else []
    if not audit.findings:
        return "\n".join([f"{audit.rows:,} rows. Nothing was found wrong with the data.", *put_right])
    lines = [f"{audit.rows:,} rows, {_count(audit.findings)}.", ""]
    for finding in audit.findings:
        lines.append(f"{finding.severity:<7}  {finding.kind}: {visible(finding.evidence)}")
        lines += [f"{'':<9}{line}" for line in _details(finding, audit.repairs)]
    return "\n".join([*lines, *put_right, "", f"All rows  {path}"])


def _count(findings: Sequence[Finding]) -> str:
    numbers = {name: sum(f.severity == name for f in findings) for name in ("error", "warning", "info")}
    return ", ".join(f"{n} {name}{'s' if n != 1 and name != 'info' else ''}" for name, n in numbers.items() if n)


def _details(finding: Finding, repairs: Sequence[Repair]) -> list[str]:
    from tunewright.remedies import REMEDIES
    from tunewright.report.effects import became

    lines = []
    if finding.rows:
        more = f" and {finding.rows_total - 10:,} more" if finding.rows_total > 10 else ""
        lines.append(f"rows {', '.join(map(str, finding.rows[:10]))}{more}")
    if finding.remedy:
        said = became(finding, repairs, ())
        tried = said == finding.remedy and any(one.kind == said for one in REMEDIES)
        lines.append(f"remedy {said}{', which a run tries' if tried else ''}")
    return lines
