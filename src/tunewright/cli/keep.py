"""`tunewright keep`: watch, adapt, gate and promote in rounds, until told to stop."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from tunewright.cli.answer import Answer
from tunewright.cli.options import JsonOption, QuietOption
from tunewright.cli.registry import RegistryOption, WhoOption, whoever


def verb(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A name in the registry that has a champion.")],
    plan: Annotated[str, typer.Option("--plan", metavar="FILE", help="What to look at, and when to adapt (YAML).")],
    out: Annotated[
        str | None, typer.Option("--out", metavar="DIR", help="The keeper's folder. Default: keepers/MODEL.")
    ] = None,
    rounds: Annotated[
        int | None, typer.Option("--rounds", metavar="N", min=1, help="End after N rounds. Default: go on.")
    ] = None,
    who: WhoOption = None,
    registry: RegistryOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Keep MODEL good: look at its log, adapt on alarm, promote what passes every gate, and go round again.

    Killed at any moment, the same command goes on. Every decision stands in keep.jsonl of its folder and in the
    registry's ledger; whatever fails, the champion keeps serving.

    Example: tunewright keep tickets --plan keep.yaml
    """
    from tunewright.cli.progress import shown
    from tunewright.cli.signals import caught
    from tunewright.events import to_all
    from tunewright.living.keeping import read_keep_plan
    from tunewright.records import to_json
    from tunewright.stories.living.keeping import Keeper, keep_story

    options = read_keep_plan(Path(plan))
    with caught() as stop, shown(quiet=quiet) as show:
        done = keep_story(
            Keeper(
                model=model,
                options=options,
                folder=Path(out) if out is not None else Path("keepers") / model,
                registry=registry,
                who=whoever(who),
                observe=to_all(stop.watch, show),
                stop=stop,
                wait=_wait,
            ),
            rounds=rounds,
        )
    value = {"model": model, "rounds": [to_json(one) for one in done]}
    return Answer(value=value, text="\n".join(f"Round {one.number}  {one.why}" for one in done))


def _wait(seconds: float) -> None:
    """Sleep; a signal that arrives ends the sleep by ending the keeper, which has nothing open between two rounds."""
    import time

    time.sleep(seconds)
