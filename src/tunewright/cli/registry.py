"""`tunewright registry`: named models, their versions, and which one serves. A group of verbs, one function each."""

from __future__ import annotations

import getpass
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from tunewright.cli.answer import Answer
from tunewright.cli.options import JsonOption, QuietOption, refuse_urls

if TYPE_CHECKING:
    from tunewright.living.registry import Registry

RegistryOption = Annotated[
    str | None,
    typer.Option(
        "--registry", metavar="DIR", help="The registry. Default: TUNEWRIGHT_REGISTRY, or one in TUNEWRIGHT_HOME."
    ),
]
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="The model.")]
WhoOption = Annotated[
    str | None, typer.Option("--who", metavar="NAME", help="Who does it. Default: the user of this machine.")
]
WhyOption = Annotated[str, typer.Option("--why", metavar="TEXT", help="Why; kept in the ledger.")]

group = typer.Typer(add_completion=False, rich_markup_mode=None)


@group.callback()
def _start(json: JsonOption = False) -> None:
    """Named models, their versions, and the evidence that decides between them."""


@group.command("list")
def list_models(registry: RegistryOption = None, json: JsonOption = False, quiet: QuietOption = False) -> Answer:
    """List the models: the version that serves, the latest candidate, how many versions there are."""
    from tunewright.cli.registry_text import list_text

    held = _open(registry)
    models = [_overview(held, name) for name in held.names()]
    problem = held.problem()
    value = {"registry": str(held.folder), "revision": held.revision(), "problem": problem, "models": models}
    if not models:
        return Answer(value=value, text=f"{held.folder} holds no model yet: tunewright registry add NAME BUNDLE")
    return Answer(value=value, text=list_text(models) + _warning(problem))


@group.command()
def show(
    name: NameArgument, registry: RegistryOption = None, json: JsonOption = False, quiet: QuietOption = False
) -> Answer:
    """Show a model: every version with its stage, score and lineage, and the ledger of who did what, when and why."""
    from tunewright.cli.registry_text import show_text
    from tunewright.records import to_json

    held = _open(registry)
    versions, lines, champion = held.versions(name), held.ledger(name), held.champion(name)
    problem = held.problem()
    value = {
        "registry": str(held.folder),
        "name": name,
        "champion": None if champion is None else to_json(champion),
        "versions": to_json(versions),
        "ledger": to_json(lines),
        "problem": problem,
    }
    return Answer(value=value, text=show_text(versions, lines) + _warning(problem))


@group.command()
def add(
    name: NameArgument,
    bundle: Annotated[str, typer.Argument(metavar="BUNDLE", help="A bundle or a run folder; a bundle also at a URL.")],
    parent: Annotated[
        int | None, typer.Option("--parent", metavar="VERSION", help="The version it was trained from.")
    ] = None,
    evidence: Annotated[
        str | None, typer.Option("--evidence", metavar="FILE", help="Further evidence: a JSON object, kept as it is.")
    ] = None,
    who: WhoOption = None,
    why: WhyOption = "",
    registry: RegistryOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Copy BUNDLE into the registry as the next version of NAME, a candidate; nothing serves it yet."""
    from tunewright.bundle.fetching import local_bundle
    from tunewright.living.adding import Brought, add_version
    from tunewright.records import to_json

    refuse_urls({"--evidence": evidence})
    held = _open(registry)
    before = held.revision()
    brought = Brought(parent=parent, more={} if evidence is None else _evidence(evidence))
    version = add_version(held, name, local_bundle(bundle), who=whoever(who), why=why, brought=brought)
    said, added = f"{name}@{version.version}", version.since > before
    value = {"registry": str(held.folder), "added": added, "version": to_json(version)}
    text = f"{said} is added, a candidate. To serve it: tunewright registry promote {said}"
    return Answer(value=value, text=text if added else f"{said} is this very bundle already. Nothing was changed.")


@group.command()
def promote(
    model: Annotated[
        str, typer.Argument(metavar="NAME[@VERSION]", help="The version; without one the latest candidate.")
    ],
    data: Annotated[
        str | None,
        typer.Option("--data", metavar="FILE", help="Labelled rows on which it has to be better than the champion."),
    ] = None,
    who: WhoOption = None,
    why: WhyOption = "",
    registry: RegistryOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Make a version the champion, in one step that a running server picks up; the former champion retires.

    It has to be shown to be better than the champion: with --data here, or by the evidence it was added with.
    Otherwise --why is needed: somebody answers for it. A first champion needs neither.
    """
    from tunewright.cli.registry_text import promoted_text
    from tunewright.living.naming import split_version
    from tunewright.records import to_json
    from tunewright.stories.living.promoting import promote_story

    name, version = split_version(model)
    held = _open(registry)
    found = promote_story(held, name, version, data=data, who=whoever(who), why=why)
    value = {
        "registry": str(held.folder),
        **to_json(found.promotion),
        "compared": None if found.compared is None else to_json(found.compared),
    }
    text = [found.compared.text] if found.compared is not None else []
    if found.promotion.changed:
        text.append(promoted_text(found.promotion, "is the champion now"))
    else:
        text.append(f"{name}@{found.promotion.version} serves already. Nothing was changed.")
    return Answer(value=value, text="\n".join(text))


@group.command()
def rollback(
    name: NameArgument,
    who: WhoOption = None,
    why: WhyOption = "",
    registry: RegistryOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Bring back the champion before this one, in one step; rolling back twice goes two champions back."""
    from tunewright.cli.registry_text import promoted_text
    from tunewright.living import promoting
    from tunewright.records import to_json

    held = _open(registry)
    found = promoting.rollback(held, name, who=whoever(who), why=why)
    value = {"registry": str(held.folder), **to_json(found)}
    return Answer(value=value, text=promoted_text(found, "is the champion again"))


@group.command()
def diff(
    a: Annotated[str, typer.Argument(metavar="NAME@A", help="A version.")],
    b: Annotated[str, typer.Argument(metavar="NAME@B", help="Another.")],
    registry: RegistryOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
) -> Answer:
    """Hold two versions beside each other: scores with intervals, plans, data, sizes."""
    from tunewright.cli.registry_text import diff_text
    from tunewright.errors import PlanError
    from tunewright.living.differing import differ
    from tunewright.living.naming import split_version
    from tunewright.records import to_json

    held = _open(registry)
    found = []
    for written in (a, b):
        name, version = split_version(written)
        if version is None:
            raise PlanError(f"diff must be given two versions. Got {name!r}. Write NAME@VERSION, as in {name}@1.")
        found.append(held.version(name, version))
    told = differ(*found)
    return Answer(value=to_json(told), text=diff_text(told))


def _open(folder: str | None) -> Registry:
    from tunewright.living.address import registry_folder
    from tunewright.living.registry import open_registry

    refuse_urls({"--registry": folder})
    return open_registry(registry_folder(folder))


def whoever(given: str | None) -> str:
    """Who does it: as given, else the user as the system knows him."""
    if given and given.strip():
        return given.strip()
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number that has no name
        return f"user {os.getuid()}" if hasattr(os, "getuid") else "somebody"


def _overview(held: Registry, name: str) -> dict[str, Any]:
    versions = held.versions(name)
    by_stage = {one.stage: one.version for one in versions}  # the latest of each
    return {
        "name": name,
        "champion": by_stage.get("champion"),
        "candidate": by_stage.get("candidate"),
        "versions": len(versions),
        "task": versions[-1].task,
        "target": versions[-1].target,
    }


def _warning(problem: str | None) -> str:
    if problem is None:
        return ""
    return f"\n\nWARNING  Somebody changed this registry by other means: {problem}."


def _evidence(path: str) -> dict[str, Any]:
    from tunewright.errors import PlanError
    from tunewright.runfolder import read_json

    value = read_json(Path(path))
    if not isinstance(value, dict):
        raise PlanError(
            f"--evidence must be a file with one JSON object. {path} holds something else. "
            "Give what a verb printed with --json."
        )
    return value
