"""`tunewright adapt`: take new rows into a model, and let it take the place of the old one only on evidence."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from tunewright.cli.answer import Answer
from tunewright.cli.options import JsonOption, QuietOption
from tunewright.cli.registry import RegistryOption, WhoOption, whoever


def verb(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="A name in the registry, or the bundle folder of a run: the champion."),
    ],
    new: Annotated[str, typer.Option("--new", metavar="DATA", help="New labelled rows: csv, tsv, jsonl or parquet.")],
    old: Annotated[
        str | None,
        typer.Option("--old", metavar="DATA", help="The old rows, where they are no longer where the run's plan says."),
    ] = None,
    run: Annotated[
        str | None, typer.Option("--run", metavar="DIR", help="The champion's run folder. Default: around the bundle.")
    ] = None,
    out: Annotated[
        str | None, typer.Option("--out", metavar="DIR", help="For the challenger. Default: adaptations/NAME-DIGEST.")
    ] = None,
    trust_labels: Annotated[
        bool,
        typer.Option("--trust-labels", metavar="", help="The new labels are right, though the champion disagrees."),
    ] = False,
    propose: Annotated[
        bool, typer.Option("--propose", metavar="", help="Do not promote what passes every gate: only propose it.")
    ] = False,
    who: WhoOption = None,
    registry: RegistryOption = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of what is drawn.")] = 0,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Train a challenger on new rows, from the champion's weights, and hold it to the champion at every gate.

    Gates: the new labels are plausible; it is shown to be better; it is no worse on new rows, on old rows and in
    protected slices; behaviours, parity and limits hold. Otherwise it is rejected, and the answer says why. Where MODEL
    is a name in the registry, what passes is promoted in one step, which a running server picks up.

    Example: tunewright adapt runs/tickets-8a8d7c69/bundle --new march.csv
    """
    from tunewright.cli.progress import shown
    from tunewright.cli.signals import caught
    from tunewright.events import to_all
    from tunewright.living.address import locate
    from tunewright.records import to_json
    from tunewright.stories.living.adapting import AdaptRequest, adapt_story
    from tunewright.stories.living.succeeding import run_of, succeed

    located = locate(model, registry=registry)
    with caught() as stop, shown(quiet=quiet) as show:
        found = adapt_story(
            AdaptRequest(
                champion=located.bundle,
                new=new,
                old=old,
                run=Path(run) if run is not None else run_of(located, registry=registry),
                out=Path(out) if out is not None else _home(located.bundle, new),
                trusted=trust_labels,
                seed=seed,
                observe=to_all(stop.watch, show),
                stop=stop,
            )
        )
    if not propose:
        found = succeed(found, located, registry=registry, who=whoever(who))
    value = to_json(found)
    return Answer(value=value, text=_text(value))


def _home(champion: Path, new: str) -> Path:
    """Where a challenger goes: named by the rows and the champion, so that the same command continues."""
    import hashlib

    from tunewright.bundle.reading import SUMS
    from tunewright.data import fingerprint, read

    sums = champion / SUMS
    named = f"{fingerprint(read(new).frame)} {sums.read_text('utf-8') if sums.is_file() else champion}"
    return Path("adaptations") / f"{Path(new).name.split('.')[0]}-{hashlib.sha256(named.encode()).hexdigest()[:8]}"


def _text(value: Mapping[str, Any]) -> str:
    from tunewright.cli.text import table
    from tunewright.report import words

    rows = [("gate", "", "")]
    rows += [(one["name"], "passed" if one["passed"] else "failed", one["detail"]) for one in value["gates"]]
    counts = value["rows"]
    lines = [
        f"{value['decision'].capitalize()}. {words.visible(value['why'])}",
        "",
        table(rows),
        "",
        f"{counts['given']:,} new rows, {counts['trained']:,} trained on, {counts['replayed']:,} old ones replayed; "
        f"{value['seconds']:.0f} s.",
    ]
    if value["labels_added"]:
        lines += [f"New labels: {', '.join(words.visible(name) for name in value['labels_added'][:20])}."]
    if value["challenger"] is not None:
        lines += ["", f"Challenger  {value['challenger']}", f"Report      {value['run']}/report.html"]
    return "\n".join(lines)
