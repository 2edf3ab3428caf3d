"""`tunewright watch`: whether what a model is asked has changed, and what it is still worth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from tunewright.cli.answer import Answer
from tunewright.cli.options import JsonOption, QuietOption
from tunewright.cli.registry import RegistryOption

ALARM = 5
SHOWN = 12


def verb(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="A name in the registry, a bundle folder, or its URL.")],
    log: Annotated[
        str, typer.Option("--log", metavar="DATA", help="Rows in the order they came: jsonl, csv or parquet.")
    ],
    labels: Annotated[
        str | None, typer.Option("--labels", metavar="DATA", help="Labels that arrived later, joined by --id.")
    ] = None,
    by: Annotated[
        str | None, typer.Option("--id", metavar="COL", help="The column by which labels are joined to the log.")
    ] = None,
    every: Annotated[
        int | None,
        typer.Option(
            "--every", metavar="N", min=20, help="Look after every N rows; the alarm stays honest over all looks."
        ),
    ] = None,
    level: Annotated[
        float, typer.Option("--level", min=0.0001, max=0.5, help="Chance of an alarm where nothing has changed.")
    ] = 0.05,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of what is drawn.")] = 0,
    registry: RegistryOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Compare the rows of a log with those that the model was judged on; exits with 5 where they have drifted.

    Says which columns, texts or answers changed, and what the model is worth on these rows: estimated without labels,
    and measured on the rows that have one.

    Example: tunewright watch runs/tickets-8a8d7c69/bundle --log requests.jsonl
    """
    from tunewright.living.address import locate
    from tunewright.living.watching import WatchOptions
    from tunewright.records import to_json
    from tunewright.remote import place
    from tunewright.stories.living.drifting import watch_story

    options = WatchOptions(level=level, every=every, seed=seed)
    found = watch_story(locate(model, registry=registry).bundle, place(log), options, labels=labels, by=by)
    value = to_json(found)
    return Answer(value=value, text="\n".join(_lines(value)), code=ALARM if found.alarm else 0)


def _lines(value: Mapping[str, Any]) -> list[str]:
    from tunewright.cli.text import score_rows, table
    from tunewright.report import words

    rows = [("what", "test", "p", "index", "")]
    for one in value["drift"][:SHOWN]:
        index = "" if one["effect"] is None else f"{one['effect']:.2f}"
        rows.append((one["column"], one["test"], f"{one['p_value']:.3f}", index, one["said"]))
    lines = [value["text"], "", table(rows), ""]
    for title, metrics in (
        ("Estimated without labels:", value["estimated"]),
        ("On the rows with a label:", value["actual"]),
        ("On the rows it was judged on:", value["before"]),
    ):
        lines += [title, table(score_rows(metrics)), ""] if metrics else []
    if value["unlike"]:
        lines += [f"Rows least like the old ones: {', '.join(map(str, value['unlike'][:10]))}"]
    return [*lines, *(words.visible(note) for note in value["notes"])]
