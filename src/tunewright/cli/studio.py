"""`tunewright studio`: pages over a folder of runs, on this machine, until Ctrl-C."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import typer

from tunewright.cli.answer import Answer
from tunewright.cli.options import JsonOption, QuietOption, refuse_urls

RunsArgument = Annotated[
    str, typer.Argument(metavar="RUNS", help="A folder of runs, or one run. Default: runs.", show_default=False)
]
PortOption = Annotated[
    int,
    typer.Option("--port", metavar="N", min=0, max=65535, help="The port. Default: a free one.", show_default=False),
]


def verb(
    runs: RunsArgument = "runs", port: PortOption = 0, json: JsonOption = False, quiet: QuietOption = False
) -> Answer:
    """Serve pages that list RUNS, show each as it goes, stop it, compare two, and review doubtful rows.

    For this machine only; the address holds a token. Ctrl-C ends it.

    Example: tunewright studio runs
    """
    from tunewright.cli.page import wait
    from tunewright.errors import PlanError
    from tunewright.studio.desk import runs_in
    from tunewright.studio.server import serving

    refuse_urls({"RUNS": runs})
    root = Path(runs)
    if not root.is_dir():
        raise PlanError(f"A studio needs a folder of runs. {root} is none. Give one, or make a first run.")
    server = ExitStack()
    studio = server.enter_context(serving(lambda: runs_in(root), port=port))
    found = len(runs_in(root))
    text = f"Studio   {studio.url}\nRuns     {found} in {root}\nCtrl-C ends it."
    return Answer(value={"url": studio.url, "runs": found}, text=text, after=lambda: wait(server.close))
