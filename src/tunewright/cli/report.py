"""`tunewright report`: a run's report again from what its folder holds, or several runs on one page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tunewright.cli.answer import Answer
from tunewright.cli.options import JsonOption, QuietOption, refuse_urls

if TYPE_CHECKING:
    from tunewright.records import Contrast


def verb(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Run folders.")],
    out: Annotated[
        str | None,
        typer.Option("--out", metavar="FILE", help="The page about several runs. Default: beside the first of them."),
    ] = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Render the report of a finished RUN again; of several, one page that compares them with the first.

    Example: tunewright report runs/tickets-1a2b3c4d runs/tickets-5e6f7a8b
    """
    refuse_urls({f"RUN {place}": run for place, run in enumerate(runs, start=1)} | {"--out": out})
    return _one(runs[0], out) if len(runs) == 1 else _several(runs, out)


def _one(run: str, out: str | None) -> Answer:
    from tunewright.stories.delivering.rebuild import rebuild_report

    if out is not None:
        raise typer.BadParameter("is for several runs; the report of one lies in its folder.", param_hint="--out")
    reports = [{"run": run, "report": str(rebuild_report(Path(run)))}]
    return Answer(value={"reports": reports}, text=reports[0]["report"])


def _several(runs: list[str], out: str | None) -> Answer:
    from tunewright.records import to_json
    from tunewright.stories.judging.contrasting import report_several

    page, found = report_several([Path(run) for run in runs], out=None if out is None else Path(out))
    return Answer(value={"report": str(page), **to_json(found)}, text=_text(found, page))


def _text(found: Contrast, page: Path) -> str:
    from tunewright.cli.text import table
    from tunewright.report import words

    paired = {one.name: one for one in found.paired}
    rows: list[tuple[str, ...]] = [("run", found.metric, "difference from the first", "p", "")]
    for line in found.runs:
        score = "–" if line.score is None else f"{words.value(line.score)} ({words.interval(line.score)})"
        pair = paired.get(line.name)
        if pair is None:
            rows.append((line.name, score, "", "", ""))
        elif pair.compared is None:
            rows.append((line.name, score, "–", "–", f"not comparable: {pair.why}"))
        else:
            gap = pair.compared.difference
            difference = f"{words.value(gap)} ({words.interval(gap)})"
            rows.append((line.name, score, difference, words.p_value(pair.compared.p_adjusted), pair.compared.verdict))
    return "\n".join([words.visible(found.text), "", table(rows), "", str(page)])
