"""`tunewright report`: render a run's report again from what its folder holds."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunewright.cli.answer import Answer
from tunewright.cli.options import JsonOption, QuietOption, refuse_urls


def verb(
    runs: Annotated[list[str], typer.Argument(metavar="RUN...", help="Run folders.")],
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Render the report of each finished RUN again, and say where it is."""
    from tunewright.stories.rebuild import rebuild_report

    for run in runs:
        refuse_urls({"RUN": run})
    reports = [{"run": run, "report": str(rebuild_report(Path(run)))} for run in runs]
    return Answer(value={"reports": reports}, text="\n".join(one["report"] for one in reports))
