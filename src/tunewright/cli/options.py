"""Options that several verbs share, and the plan they make."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from tunewright.plan import Plan

DataArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="DATA", help="csv, tsv, jsonl or parquet, each also .gz, or a URL; or data.train of the plan."
    ),
]
TargetOption = Annotated[str | None, typer.Option("--target", metavar="COL", help="The column to predict.")]
PlanOption = Annotated[
    str | None,
    typer.Option("--plan", metavar="FILE", help="A plan (YAML); `tunewright plan DATA --target COL` writes one."),
]
SetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="KEY=VALUE", help="Override a key of the plan, such as training.epochs=2. Repeatable."
    ),
]
ValidationOption = Annotated[
    str | None, typer.Option("--validation", metavar="FILE", help="Validation rows, instead of splitting some off.")
]
TestOption = Annotated[
    str | None, typer.Option("--test", metavar="FILE", help="Test rows, instead of splitting some off.")
]
RunOutOption = Annotated[
    str | None,
    typer.Option("--out", metavar="DIR", help="The run folder, or a URL such as s3://…. Default: runs/NAME-DIGEST."),
]
OnOption = Annotated[
    str | None,
    typer.Option("--on", metavar="CLUSTER", help="A Ray cluster: ray (this machine's) or ray://HOST:PORT."),
]
FreshOption = Annotated[bool, typer.Option("--fresh", metavar="", help="Start over in a folder that holds a run.")]
# `main` looks for --json itself, see there; it stands here so that it is in the help and accepted.
JsonOption = Annotated[
    bool, typer.Option("--json", metavar="", help="Print exactly one JSON object to standard output.")
]
QuietOption = Annotated[
    bool, typer.Option("--quiet", metavar="", help="No progress; standard error holds errors only.")
]
PageOption = Annotated[
    bool, typer.Option("--page", metavar="", help="Serve a page on this machine that shows the work as it goes.")
]
TrackOption = Annotated[
    list[str] | None,
    typer.Option(
        "--track", metavar="TRACKER", help="Also log to tensorboard, trackio or mlflow, on this disk. Repeatable."
    ),
]
RequireOption = Annotated[
    bool, typer.Option("--require-objective", metavar="", help="Exit with 4 unless the objective is shown to be met.")
]


def plan_from(
    data: str | None,
    target: str | None,
    *,
    plan: str | None = None,
    overrides: list[str] | None = None,
    **files: str | None,
) -> Plan:
    """Resolve the plan: the file, over it the arguments, over them `--set`.

    Args:
        data: `data.train`.
        target: `data.target`.
        plan: path of a plan file.
        overrides: `key=value` options.
        **files: further keys of the plan's `data`, left out where None.

    Raises:
        PlanError: all that is wrong, at once; or no data, or no target, with the columns there are.
    """
    from tunewright.errors import PlanError
    from tunewright.plan import read_plan
    from tunewright.remote import place

    given: dict[str, Any] = {"train": data, "target": target, **files}
    given = {key: value for key, value in given.items() if value is not None}
    resolved = read_plan(place(plan) if plan else None, overrides or (), **({"data": given} if given else {}))
    if resolved.data.train is None:
        raise PlanError("DATA is needed. Got none, neither as an argument nor as data.train of a plan. Name the file.")
    if resolved.data.target is None:
        raise PlanError(f"A target is needed. Got none. Give --target COL{_columns(resolved.data.train)}.")
    return resolved


def _columns(path: str) -> str:
    from tunewright.data import read

    names = read(path).frame.columns
    return f": one of {', '.join(names[:30])}{', …' if len(names) > 30 else ''}"


def refuse_urls(options: Mapping[str, str | None]) -> None:
    """Refuse a URL where only a path will do: a folder named `s3:` is not what anybody wants.

    Raises:
        BadParameter: names the option.
    """
    from tunewright.remote import is_url, shown

    for option, value in options.items():
        if is_url(value):
            raise typer.BadParameter(
                f"must be a path of this machine. Got {shown(value)}. Give a path, and copy it afterwards.",
                param_hint=option,
            )
