"""`tunewright demo`: `run` on the packaged example, and what to look at."""

from __future__ import annotations

import json as json_library
from pathlib import Path
from typing import Any

from tunewright.cli.answer import Answer
from tunewright.cli.options import FreshOption, JsonOption, QuietOption, RunOutOption, SetOption, plan_from, refuse_urls
from tunewright.cli.run import summary_text
from tunewright.cli.walking import walk


def verb(
    out: RunOutOption = None,
    overrides: SetOption = None,
    fresh: FreshOption = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Run on the example that ships with the package: 918 support-desk messages with planted faults."""
    from tunewright.example import path
    from tunewright.stories.run import run_story

    refuse_urls({"--out": out})
    plan = plan_from(str(path()), "team", overrides=overrides)
    summary = walk(run_story, plan, out=out, fresh=fresh, quiet=quiet)
    planted = planted_faults(Path(summary["run"]))
    text = "\n".join([summary_text(summary), "", "What to look at", *_advice(summary, planted)])
    return Answer(value=summary | {"planted": planted}, text=text)


def planted_faults(run: Path) -> dict[str, dict[str, Any]]:
    """Per planted kind of fault: rows (or columns) planted, and how many of them a finding of that kind names.

    `found` is None where the run has no such finding.
    """
    from tunewright.example import faults

    findings = json_library.loads((run / "audit.json").read_text("utf-8"))["findings"]
    return {
        kind: {"planted": len(fault["rows"] or fault["columns"]), "found": _found(findings, kind, fault)}
        for kind, fault in faults().items()
    }


def _found(findings: list[dict[str, Any]], kind: str, fault: dict[str, Any]) -> int | None:
    # An empty cell of another column is no planted one.
    ours = [
        f for f in findings if f["kind"] == kind and (not f["columns"] or set(f["columns"]) & set(fault["columns"]))
    ]
    if ours and not fault["rows"]:
        return len(set(fault["columns"]) & {name for finding in ours for name in finding["columns"]})
    named = {row for finding in ours for rows in (finding["rows"], *finding["groups"]) for row in rows}
    return len(named & set(fault["rows"])) if ours else None


def _advice(summary: dict[str, Any], planted: dict[str, dict[str, Any]]) -> list[str]:
    found = [f"{kind} {n['found']} of {n['planted']}" for kind, n in planted.items() if n["found"] is not None]
    missed = [f"{kind} {n['planted'] - (n['found'] or 0)}" for kind, n in planted.items() if n["found"] != n["planted"]]
    return [
        f"1. The report: {summary['report']}",
        "   The verdict, the learning curves, which team is taken for which, the worst mistakes.",
        f"2. Faults were planted in this data. Found: {', '.join(found) or 'none'}.",
        f"   Not found: {', '.join(missed) or 'none'}. The example's FAULTS.json lists all.",
        "3. What was done about them, and what each remedy was measured to do: the report's section Findings.",
        "   The column `agent` gives the team away and is not known when a message arrives: it was dropped. With it:",
        "   tunewright demo --set audit.apply=none",
        "4. Your own data: tunewright run DATA --target COL",
        "   What that would do and cost, first: tunewright plan DATA --target COL",
    ]
